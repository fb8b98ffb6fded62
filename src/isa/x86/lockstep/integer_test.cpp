// Random integer programs run alike on the host's processor and in Strata.
#include <gtest/gtest.h>

#include <map>

#include "isa/x86/lockstep/lockstep_test.h"

namespace strata::isa::x86::lockstep {
namespace {

// Rows as in SDM vol. 2; the tokens are explained in pattern_test.h.
// clang-format off
const std::vector<Pattern>& integer_patterns() {
  static const std::vector<Pattern> patterns = compile({
      // ADD OR ADC SBB AND SUB XOR CMP
      "00 /r b lock", "01 /r v lock", "02 /r b", "03 /r v", "04 ib b", "05 iz v",
      "08 /r b lock", "09 /r v lock", "0a /r b", "0b /r v", "0c ib b", "0d iz v",
      "10 /r b lock", "11 /r v lock", "12 /r b", "13 /r v", "14 ib b", "15 iz v",
      "18 /r b lock", "19 /r v lock", "1a /r b", "1b /r v", "1c ib b", "1d iz v",
      "20 /r b lock", "21 /r v lock", "22 /r b", "23 /r v", "24 ib b", "25 iz v",
      "28 /r b lock", "29 /r v lock", "2a /r b", "2b /r v", "2c ib b", "2d iz v",
      "30 /r b lock", "31 /r v lock", "32 /r b", "33 /r v", "34 ib b", "35 iz v",
      "38 /r b", "39 /r v", "3a /r b", "3b /r v", "3c ib b", "3d iz v",
      "80 /0 ib b lock", "80 /1 ib b lock", "80 /2 ib b lock", "80 /3 ib b lock",
      "80 /4 ib b lock", "80 /5 ib b lock", "80 /6 ib b lock", "80 /7 ib b",
      "81 /0 iz v lock", "81 /1 iz v lock", "81 /2 iz v lock", "81 /3 iz v lock",
      "81 /4 iz v lock", "81 /5 iz v lock", "81 /6 iz v lock", "81 /7 iz v",
      "83 /0 ib v lock", "83 /1 ib v lock", "83 /2 ib v lock", "83 /3 ib v lock",
      "83 /4 ib v lock", "83 /5 ib v lock", "83 /6 ib v lock", "83 /7 ib v",
      // TEST NOT NEG INC DEC
      "84 /r b", "85 /r v", "a8 ib b", "a9 iz v", "f6 /0 ib b", "f7 /0 iz v",
      "f6 /2 b lock", "f7 /2 v lock", "f6 /3 b lock", "f7 /3 v lock",
      "fe /0 b lock", "fe /1 b lock", "ff /0 v lock", "ff /1 v lock",
      "40 +r only32 d", "48 +r only32 d",
      // MUL IMUL DIV IDIV
      "f6 /4 b", "f7 /4 v", "f6 /5 b", "f7 /5 v", "0f af /r v", "69 /r iz v", "6b /r ib v",
      "f6 /6 b", "f7 /6 v", "f6 /7 b", "f7 /7 v",
      // MOV and its kin
      "88 /r b", "89 /r v", "8a /r b", "8b /r v", "b0 +r ib b", "b8 +r iv v", "c6 /0 ib b", "c7 /0 iz v",
      "0f b6 /r v rm8", "0f b7 /r v rm16", "0f be /r v rm8", "0f bf /r v rm16", "63 /r v only64 q",
      "86 /r b lock", "87 /r v lock", "8d /r v m", "0f 40 +c /r v", "0f c8 +r v", "d7",
      "0f 38 f0 /r v m", "0f 38 f1 /r v m", "0f c3 /r y m", "98 v", "99 v", "90",
      // flags
      "f5", "f8", "f9", "fc", "9e", "9f", "0f 90 +c /0 b",
      // stack
      "50 +r", "58 +r", "66 50 +r", "66 58 +r", "68 iz", "6a ib", "ff /6", "8f /0", "66 ff /6", "66 8f /0", "60 only32", "66 60 only32",
      "9c", "66 9c",
      // shifts
      "c0 /0 ib b", "c0 /1 ib b", "c0 /2 ib b", "c0 /3 ib b", "c0 /4 ib b", "c0 /5 ib b", "c0 /6 ib b", "c0 /7 ib b",
      "c1 /0 ib v", "c1 /1 ib v", "c1 /2 ib v", "c1 /3 ib v", "c1 /4 ib v", "c1 /5 ib v", "c1 /6 ib v", "c1 /7 ib v",
      "d0 /0 b", "d0 /1 b", "d0 /2 b", "d0 /3 b", "d0 /4 b", "d0 /5 b", "d0 /6 b", "d0 /7 b",
      "d1 /0 v", "d1 /1 v", "d1 /2 v", "d1 /3 v", "d1 /4 v", "d1 /5 v", "d1 /6 v", "d1 /7 v",
      "d2 /0 b", "d2 /1 b", "d2 /2 b", "d2 /3 b", "d2 /4 b", "d2 /5 b", "d2 /6 b", "d2 /7 b",
      "d3 /0 v", "d3 /1 v", "d3 /2 v", "d3 /3 v", "d3 /4 v", "d3 /5 v", "d3 /6 v", "d3 /7 v",
      "0f a4 /r ib v", "0f a5 /r v", "0f ac /r ib v", "0f ad /r v",
      // bits
      "0f a3 /r v r", "0f ab /r v r", "0f b3 /r v r", "0f bb /r v r",
      "0f ba /4 ib v", "0f ba /5 ib v lock", "0f ba /6 ib v lock", "0f ba /7 ib v lock",
      "0f bc /r v scan", "0f bd /r v scan", "f3 0f bc /r v", "f3 0f bd /r v", "f3 0f b8 /r v",
      // BMI1 and BMI2, ADX
      "vex.0f38.none f2 /r V y", "vex.0f38.none f3 /1 V y", "vex.0f38.none f3 /2 V y", "vex.0f38.none f3 /3 V y",
      "vex.0f38.none f5 /r V y", "vex.0f38.f3 f5 /r V y", "vex.0f38.f2 f5 /r V y", "vex.0f38.f2 f6 /r V y",
      "vex.0f38.none f7 /r V y", "vex.0f38.66 f7 /r V y", "vex.0f38.f3 f7 /r V y", "vex.0f38.f2 f7 /r V y",
      "vex.0f3a.f2 f0 /r ib y", "66 0f 38 f6 /r y", "f3 0f 38 f6 /r y",
      // CMPXCHG XADD
      "0f b0 /r b lock", "0f b1 /r v lock", "0f c0 /r b lock", "0f c1 /r v lock", "0f c7 /1 m lock",
      "0f c7 /1 m q only64 align16 lock",
      // decimal
      "27 only32", "2f only32", "37 only32", "3f only32", "d4 ib only32", "d5 ib only32", "d6 only32",
      // bit strings in memory, before and behind the address: the offset is brought into reach first
      "41 81 e7 ff 1f 00 00 4c 0f a3 3b only64", "41 81 e7 ff 1f 00 00 4c 0f ab 3b only64",
      "41 81 e7 ff 1f 00 00 f0 4c 0f b3 3b only64", "49 c7 c7 05 f0 ff ff 4c 0f bb 3b only64",
      "81 e7 ff 1f 00 00 0f b3 3b", "81 e7 ff 1f 00 00 66 0f ab 3b", "c7 c7 05 f0 ff ff 0f bb 3b", "c7 c7 05 f0 ff ff 66 0f ab 3b",
      // frames, calls and returns, indirect ones too
      "c8 10 00 00 c9", "c8 08 00 01 c9", "c8 08 00 03 c9 only32", "60 61 only32", "9c 9d",
      "e8 02 00 00 00 eb 01 c3", "e8 02 00 00 00 eb 03 c2 10 00",
      "48 8d 05 02 00 00 00 ff e0 only64", "48 8d 05 02 00 00 00 ff d0 only64", "62 /r v m only32",
      // selectors, and what CPL 3 must not do
      "8c /0 v", "8c /1 v", "8c /2 v", "8c /3 v", "e4 ib b", "e7 ib v", "ec b", "ef v", "6c b", "6f v", "fa", "fb", "f4",
      "0f 20 /0 r", "0f 22 /3 r", "0f 30", "0f 06", "0f 01 /2 m", "0f 08",
      // nothing at all, and no instruction
      "0f 1f /0 v", "0f 18 /1 m", "0f 0d /1 m", "f3 90", "f3 0f 1e fa", "0f ae e8", "0f ae f0", "0f ae f8", "0f ae /7 m",
      "0f 0b",
  });
  return patterns;
}
// clang-format on

TEST(LockstepInteger, Code64) { run_seeds(integer_patterns(), CodeSize::bits64, 1, 6000); }
TEST(LockstepInteger, Code32) { run_seeds(integer_patterns(), CodeSize::bits32, 1, 4000); }
TEST(LockstepInteger, SlowCode64) { run_seeds(integer_patterns(), CodeSize::bits64, 1'000'000, 1'000'000); }
TEST(LockstepInteger, SlowCode32) { run_seeds(integer_patterns(), CodeSize::bits32, 1'000'000, 500'000); }

/// Sums and products of many words, which hand a carry on from instruction to instruction, two at once with ADCX and ADOX.
// clang-format off
const std::vector<Pattern>& many_word_patterns() {
  static const std::vector<Pattern> patterns = compile({
      "01 /r v", "03 /r v", "10 /r b", "11 /r v", "12 /r b", "13 /r v", "13 /r v", "15 iz v", "19 /r v", "1b /r v", "1b /r v",
      "29 /r v", "2b /r v", "39 /r v", "83 /2 ib v", "83 /3 ib v", "83 /2 ib v", "81 /2 iz v", "f7 /3 v", "f7 /4 v", "f7 /4 v",
      "f7 /5 v", "0f af /r v", "ff /0 v", "ff /1 v", "f8", "f9", "f5", "31 /r v", "85 /r v", "8b /r v", "89 /r v", "8d /r v m",
      "66 0f 38 f6 /r y", "66 0f 38 f6 /r y", "66 0f 38 f6 /r y", "66 0f 38 f6 /r y", "f3 0f 38 f6 /r y", "f3 0f 38 f6 /r y",
      "f3 0f 38 f6 /r y", "f3 0f 38 f6 /r y", "vex.0f38.f2 f6 /r V y", "vex.0f38.f2 f6 /r V y", "vex.0f38.f2 f6 /r V y",
      "0f 90 +c /0 b", "0f 40 +c /r v", "9c", "9f",
  });
  return patterns;
}
// clang-format on

TEST(LockstepManyWords, Code64) { run_seeds(many_word_patterns(), CodeSize::bits64, 1, 4000); }
TEST(LockstepManyWords, Code32) { run_seeds(many_word_patterns(), CodeSize::bits32, 1, 2000); }
TEST(LockstepManyWords, SlowCode64) { run_seeds(many_word_patterns(), CodeSize::bits64, 1'000'000, 500'000); }

/// The programs do reach what they are for: their end, division errors, invalid opcodes, page faults.
TEST(LockstepInteger, ProgramsEndInAllWays) {
  if (!host_runs(CodeSize::bits64)) GTEST_SKIP() << "this host does not run such code itself";
  std::map<int, unsigned> ends;
  for (uint64_t seed = 1; seed <= 2000; ++seed)
    ++ends[run_on_host(Generator(seed, CodeSize::bits64).program(integer_patterns(), 12)).registers.vector];
  EXPECT_GT(ends[-1], 1000u);
  for (int vector : {0, 6, 14}) EXPECT_GT(ends[vector], 10u) << "exception " << vector;
}

/// Each form often and alone, so that what fails is named.
TEST(LockstepInteger, EachForm) { run_each(integer_patterns(), 12); }

}  // namespace
}  // namespace strata::isa::x86::lockstep

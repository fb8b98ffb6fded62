// Random x87 programs run alike on the host's processor and in Strata, to the last bit of the whole x87 state.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "isa/x86/exception.h"
#include "isa/x86/lockstep/x87_inputs_test.h"

namespace strata::isa::x86::lockstep {
namespace {

bool agree_once(const Program& program, uint64_t seed, bool translated) {
  constexpr unsigned unit_lengths[] = {1, 2, 5, 64};
  const StrataOptions options{unit_lengths[seed % 4], seed % 3 != 0, seed % 5 != 0, translated};
  Outcome host = run_on_host(program), strata = run_in_strata(program, options);
  forget_pointers(host.memory);
  forget_pointers(strata.memory);
  const std::string text = differences(program, host, strata);
  if (text.empty()) return true;
  ADD_FAILURE() << (translated ? "translated" : "interpreted") << ", seed " << seed << ", "
                << static_cast<unsigned>(program.code_size) << "-bit code, control " << std::hex
                << program.registers.fx.get<uint16_t>(0) << ", status " << program.registers.fx.get<uint16_t>(2)
                << ", full " << unsigned{program.registers.fx.get<uint8_t>(4)} << "\n"
                << disassembly(program) << text;
  return false;
}

bool agree(const Program& program, uint64_t seed) {
  return agree_once(program, seed, false) && agree_once(program, seed, true);
}

/// STRATA_LOCKSTEP_SEED in the environment picks one. Ends at the tenth that fails.
void run_seeds(CodeSize size, uint64_t first, uint64_t count) {
  if (!host_runs(size)) GTEST_SKIP() << "this host does not run such code itself";
  if (const char* only = std::getenv("STRATA_LOCKSTEP_SEED")) first = std::strtoull(only, nullptr, 10), count = 1;
  unsigned failures = 0;
  for (uint64_t seed = first; seed < first + count && failures < 10; ++seed)
    failures += !agree(X87Programs(seed, size).program(12), seed);
}

TEST(LockstepX87, Code64) { run_seeds(CodeSize::bits64, 1, 10'000); }
TEST(LockstepX87, Code32) { run_seeds(CodeSize::bits32, 1, 6'000); }
TEST(LockstepX87, Code64Slow) { run_seeds(CodeSize::bits64, 1'000'000, 600'000); }
TEST(LockstepX87, Code32Slow) { run_seeds(CodeSize::bits32, 1'000'000, 400'000); }

void run_loops(CodeSize size, uint64_t count) {
  if (!host_runs(size)) GTEST_SKIP() << "this host does not run such code itself";
  unsigned failures = 0;
  for (uint64_t seed = 1; seed <= count && failures < 10; ++seed)
    failures += !agree(X87Programs(seed, size).loop(5), seed);
}

TEST(LockstepX87, Loops64) { run_loops(CodeSize::bits64, 4'000); }
TEST(LockstepX87, Loops32) { run_loops(CodeSize::bits32, 2'000); }
TEST(LockstepX87, Loops64Slow) { run_loops(CodeSize::bits64, 200'000); }

/// Each form often and alone, so that what fails is named.
TEST(LockstepX87, EachForm) {
  if (!host_runs(CodeSize::bits64)) GTEST_SKIP() << "this host does not run such code itself";
  uint64_t seed = 1;
  for (unsigned opcode = 0xd8; opcode <= 0xdf; ++opcode) {
    for (unsigned modrm = 0; modrm <= 0xff; modrm += modrm < 0x38 ? 8 : modrm == 0x38 ? 0x88 : 1) {
      for (unsigned i = 0; i < 24; ++i, ++seed) {
        X87Programs programs(seed, CodeSize::bits64);
        if (!agree(programs.program_of(static_cast<uint8_t>(opcode), static_cast<uint8_t>(modrm)), seed)) break;
      }
    }
  }
}

/// The programs do reach what they are for: their end, waiting exceptions, invalid opcodes, page faults.
TEST(LockstepX87, ProgramsEndInAllWays) {
  if (!host_runs(CodeSize::bits64)) GTEST_SKIP() << "this host does not run such code itself";
  std::map<int, unsigned> ends;
  for (uint64_t seed = 1; seed <= 2000; ++seed)
    ++ends[run_on_host(X87Programs(seed, CodeSize::bits64).program(12)).registers.vector];
  EXPECT_GT(ends[-1], 500u);
  for (int vector : {vector_ud, vector_gp, vector_pf, vector_mf}) EXPECT_GT(ends[vector], 10u) << "vector " << vector;
}

}  // namespace
}  // namespace strata::isa::x86::lockstep

// Unmasked x87 exceptions, one small program each: what they leave undone, and when they are told.
#include <gtest/gtest.h>

#include <initializer_list>

#include "isa/x86/exception.h"
#include "isa/x86/lockstep/world_test.h"
#include "isa/x86/state.h"

namespace strata::isa::x86::lockstep {
namespace {

constexpr uint16_t invalid = 1, zero_divide = 4, overflow = 8, underflow = 0x10, precision = 0x20, stack_fault = 0x40,
                   c1 = 0x200, summary = 0x8080;
constexpr uint16_t all_masked = 0x37f;
constexpr uint64_t one = 0x8000'0000'0000'0000;

struct Number {
  uint64_t significand;
  uint16_t sign_exponent;
  bool operator==(const Number&) const = default;
};

/// A program whose ST(0) and ST(1) are given, with RBX at the data and the exceptions in `unmasked` so.
struct Fixture {
  Program program;

  Fixture(std::initializer_list<uint8_t> code, uint16_t unmasked, Number st0, Number st1 = {}) {
    program.code = code;
    program.registers.gpr[rsp] = stack_start;
    program.registers.gpr[rbx] = data_middle;
    FxArea& fx = program.registers.fx;
    fx.put<uint16_t>(0, all_masked & ~unmasked);
    fx.put<uint8_t>(4, 0xff);
    fx.put<uint32_t>(24, 0x1f80);
    set(0, st0);
    set(1, st1);
  }

  void set(unsigned i, Number value) {
    program.registers.fx.put(32 + 16 * i, value.significand);
    program.registers.fx.put(40 + 16 * i, value.sign_exponent);
  }

  /// As Strata runs it, and the host too where it can.
  Outcome run() const {
    const Outcome strata = run_in_strata(program, {});
    if (host_runs(program.code_size)) {
      EXPECT_EQ(differences(program, run_on_host(program), strata), "");
    }
    return strata;
  }
};

Number st0(const Outcome& outcome) {
  return {outcome.registers.fx.get<uint64_t>(32), outcome.registers.fx.get<uint16_t>(40)};
}

uint16_t status(const Outcome& outcome) { return outcome.registers.fx.get<uint16_t>(2); }

TEST(X87Exceptions, OverflowScalesTheResult) {
  const Outcome outcome = Fixture({0xd8, 0xc0}, overflow, {~0ull, 0x7ffe}).run();  // FADD ST, ST
  EXPECT_EQ(st0(outcome), (Number{~0ull, 0x7fff - 0x6000}));
  EXPECT_EQ(status(outcome), overflow | summary);
}

TEST(X87Exceptions, UnderflowScalesTheResultEvenAnExactOne) {
  const Outcome outcome = Fixture({0xd8, 0xc9}, underflow, {one, 1}, {one, 0x3ffe}).run();  // FMUL ST, ST(1): a half
  EXPECT_EQ(st0(outcome), (Number{one, 0x6000}));
  EXPECT_EQ(status(outcome), underflow | summary);
}

TEST(X87Exceptions, ZeroDivideLeavesTheOperand) {
  const Outcome outcome = Fixture({0xd8, 0xf1}, zero_divide, {one, 0x3fff}, {0, 0}).run();  // FDIV ST, ST(1)
  EXPECT_EQ(st0(outcome), (Number{one, 0x3fff}));
  EXPECT_EQ(status(outcome), zero_divide | summary);
}

TEST(X87Exceptions, StackOverflowSaysSo) {
  const Outcome outcome = Fixture({0xd9, 0xe8}, invalid, {one, 0x3fff}).run();  // FLD1 on a full stack
  EXPECT_EQ(st0(outcome), (Number{one, 0x3fff}));
  EXPECT_EQ(status(outcome), invalid | stack_fault | c1 | summary);
}

TEST(X87Exceptions, StoreThatOverflowsIsNotDone) {
  Fixture fixture({0xdd, 0x1b}, overflow, {~0ull, 0x7ffe});  // FSTP m64
  const Outcome outcome = fixture.run();
  EXPECT_EQ(outcome.memory, fixture.program.memory);
  EXPECT_EQ(st0(outcome), (Number{~0ull, 0x7ffe}));
  EXPECT_EQ(status(outcome), overflow | summary);
}

TEST(X87Exceptions, InexactStoreIsDone) {
  Fixture fixture({0xdd, 0x1b}, precision, {one | 1, 0x3fff});  // FSTP m64
  const Outcome outcome = fixture.run();
  EXPECT_NE(outcome.memory, fixture.program.memory);
  EXPECT_EQ(status(outcome), precision | summary | 1 << 11);
}

TEST(X87Exceptions, WaitingOnesComeBeforeFaultsOfMemory) {
  Fixture fixture({0xdd, 0x03}, invalid, {one, 0x3fff});  // FLD m64
  fixture.program.registers.gpr[rbx] = data_base + data_size - 1;
  EXPECT_EQ(fixture.run().registers.vector, vector_pf);
  fixture.program.registers.fx.put<uint16_t>(2, invalid | summary);
  EXPECT_EQ(fixture.run().registers.vector, vector_mf);
}

TEST(X87Exceptions, OneThatFldcwUnmasksWaits) {
  Fixture fixture({0xd9, 0x2b, 0xd9, 0xd0}, 0, {one, 0x3fff});  // FLDCW m16; FNOP
  fixture.program.registers.fx.put<uint16_t>(2, zero_divide);
  const Outcome outcome = fixture.run();  // the control word in memory is 0
  EXPECT_EQ(outcome.registers.vector, vector_mf);
  EXPECT_EQ(outcome.registers.rip, code_base + 2);
}

TEST(X87Exceptions, FxrstorTakesEsFromTheExceptions) {
  Fixture fixture({0x0f, 0xae, 0x0b, 0x9b}, 0, {one, 0x3fff});  // FXRSTOR; WAIT
  uint8_t* image = fixture.program.memory.data.data() + (data_middle - data_base);
  image[0] = 0x7f, image[1] = 3;     // all masked
  image[2] = 0x81, image[3] = 0x80;  // IE, and ES and B, which are not so
  EXPECT_EQ(status(fixture.run()), invalid);
  image[0] = 0x7e, image[2] = 1, image[3] = 0;
  const Outcome outcome = fixture.run();
  EXPECT_EQ(outcome.registers.vector, vector_mf);
  EXPECT_EQ(status(outcome), invalid | summary);
}

}  // namespace
}  // namespace strata::isa::x86::lockstep

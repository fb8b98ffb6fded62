// Random units behave the same before and after the passes, wherever they are left; the interpreter runs both alike.
#include <gtest/gtest.h>

#include "ir/passes/interpreted_run_test.h"
#include "ir/passes/passes.h"
#include "ir/passes/pipeline.h"
#include "ir/passes/random_unit_test.h"
#include "ir/passes/reference_run_test.h"

namespace strata::ir {
namespace {

/// Left after each of the first accesses, and not at all.
template <class After>
void expect_same(const Unit& before, const Unit& after, uint64_t seed, std::string_view what) {
  std::mt19937_64 random(seed);
  for (unsigned leave_at = 0; leave_at < 8; ++leave_at) {
    const std::vector<uint64_t> slots = random_slots(random);
    const unsigned at = leave_at == 7 ? 1000 : leave_at;
    ASSERT_EQ(ReferenceRun(before, slots, at).seen(), After(after, slots, at).seen())
        << what << ", seed " << seed << ", left at " << at << "\n"
        << print(before) << "becomes\n"
        << print(after);
  }
}

void check_seed(uint64_t seed) {
  const Unit before = RandomUnit(seed).make();
  ASSERT_TRUE(verify(before)) << verify(before).error().message << "\n" << print(before);
  const auto check = [&](auto pass, std::string_view name) {
    Unit after = before;
    pass(after);
    ASSERT_TRUE(verify(after)) << verify(after).error().message << " after " << name << "\n" << print(after);
    expect_same<ReferenceRun>(before, after, seed, name);
  };
  for (const Pass& pass : all_passes()) check(pass.run, pass.name);
  check([](Unit& unit) { Pipeline(true).run(unit); }, "the pipeline");
  const std::string text = print(before);
  ASSERT_EQ(print(parsed(text)), text);
}

/// The back end's reading of sinking, helpers and exits is that of the reference run.
void interpret_seed(uint64_t seed) {
  const Unit before = RandomUnit(seed).make();
  expect_same<InterpretedRun>(before, before, seed, "interpreted");
  Unit after = before;
  Pipeline(true).run(after);
  expect_same<InterpretedRun>(before, after, seed, "interpreted after the pipeline");
}

/// Values that stand in a slot, wanted by a sunk set behind a sunk set of that slot: read, written, under other names.
TEST(Equivalence, SunkSetsBehindASunkSetOfTheSlotTheyRead) {
  for (const std::string source : {"%x = get a", "%l = get b\n%x = not i64 %l\nset a, %x\ncall reads()"}) {
    for (const std::string user : {"set b, %x", "%t = trunc i32 %x\nset v, %t", "%t = not i64 %x\nset b, %t"}) {
      const Unit before =
          parsed("b0:\n%five = constant i64 5\n" + source + "\nset a, %five\n" + user +
                 "\npoll\n%y = load i64 %five, space 0\n%w = get w\n" + "set b, %y\nset v, %w\nset a, %y\nexit halt 1");
      Unit after = before;
      Pipeline(true).run(after);
      expect_same<InterpretedRun>(before, after, 1, "interpreted after the pipeline");
    }
  }
}

bool failed() { return ::testing::Test::HasFailure(); }

TEST(Equivalence, RandomUnits) {
  for (uint64_t seed = 1; seed <= 3000 && !failed(); ++seed) check_seed(seed);
}

TEST(Equivalence, RandomUnitsInterpreted) {
  for (uint64_t seed = 1; seed <= 2000 && !failed(); ++seed) interpret_seed(seed);
}

TEST(Equivalence, SlowRandomUnits) {
  for (uint64_t seed = 10'000; seed < 310'000 && !failed(); ++seed) check_seed(seed);
}

TEST(Equivalence, SlowRandomUnitsInterpreted) {
  for (uint64_t seed = 10'000; seed < 160'000 && !failed(); ++seed) interpret_seed(seed);
}

}  // namespace
}  // namespace strata::ir

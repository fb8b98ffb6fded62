// Tests of the door to the passes: order, names, timings, switching off.
#include "ir/passes/pipeline.h"

#include <gmock/gmock.h>

#include "ir/passes/pass_test.h"

namespace strata::ir {
namespace {

constexpr std::string_view example = R"(b0:
  %w = get w
  %v = get v
  %f = flags_sub i32 %w, %v
  set f, %f
  %a = get a
  %l = load i32 %a, space 0
  set w, %l
  %g = flags_logic i32 %l
  set f, %g
  exit next)";

TEST(Pipeline, RunsAllPassesAndCountsThem) {
  Pipeline pipeline(true);
  for (int i = 0; i < 3; ++i) {
    Unit unit = parsed(example);
    pipeline.run(unit);
    EXPECT_TRUE(std::any_of(unit.code.begin(), unit.code.end(), [](const Instr& instr) { return instr.sunk; }));
  }
  ASSERT_EQ(pipeline.timings().size(), all_passes().size());
  for (size_t i = 0; i < all_passes().size(); ++i) {
    EXPECT_EQ(pipeline.timings()[i].name, all_passes()[i].name);
    EXPECT_EQ(pipeline.timings()[i].runs, 3u);
    EXPECT_GT(pipeline.timings()[i].spent.count(), 0);
  }
}

TEST(Pipeline, APassCanBeSwitchedOff) {
  Pipeline pipeline(true);
  ASSERT_TRUE(pipeline.disable("sink_sets"));
  ASSERT_TRUE(pipeline.disable("sink_sets"));
  Unit unit = parsed(example);
  pipeline.run(unit);
  EXPECT_TRUE(std::none_of(unit.code.begin(), unit.code.end(), [](const Instr& instr) { return instr.sunk; }));
  EXPECT_EQ(pipeline.timings().size(), all_passes().size() - 1);
}

TEST(Pipeline, UnknownNamesAreRefusedWithTheKnownOnes) {
  Pipeline pipeline;
  EXPECT_EQ(pipeline.disable("sink").error().message,
            "there is no pass 'sink'; the passes are simplify, hand_on_flags, sink_sets, remove_dead");
}

TEST(Pipeline, BreakingAUnitIsOurBug) {
  Unit unit = parsed(example);
  unit.code.back().op = Op::poll;
  EXPECT_DEATH(Pipeline(true).run(unit), "after the builder: b0: %9 poll: .* no terminator");
}

}  // namespace
}  // namespace strata::ir

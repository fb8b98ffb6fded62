// Tests of flags that are set by the blocks behind a branch.
#include "ir/passes/pass_test.h"
#include "ir/passes/passes.h"
#include "ir/passes/reference_run_test.h"

namespace strata::ir {
namespace {

void expect_left_alone(std::string_view text) { expect_pass(hand_on_flags, text, text); }

/// A branch on w and v, whose flags f gets, to blocks that begin with these lines.
std::string compare_and_branch(std::string_view yes, std::string_view no) {
  return "b0:\n%w = get w\n%v = get v\n%f = flags_sub i32 %w, %v\nset f, %f\n%e = eq i32 %w, %v\nbranch %e, b1, b2\n"
         "b1:\n" +
         std::string(yes) + "\nexit next\nb2:\n" + std::string(no) + "\nexit halt";
}

constexpr std::string_view others = "%o = get a\n%p = flags_logic i64 %o\nset f, %p";

TEST(HandOnFlags, ABlockThatSetsOthersFirstSparesThem) {
  expect_pass(hand_on_flags, compare_and_branch(others, ""), R"(b0:
  %w = get w
  %v = get v
  %f = flags_sub i32 %w, %v
  drop f
  %e = eq i32 %w, %v
  branch %e, b1, b2
b1:
  %o = get a
  %p = flags_logic i64 %o
  set f, %p
  exit next
b2:
  %w2 = get w
  %v2 = get v
  %f2 = flags_sub i32 %w2, %v2
  set f, %f2
  exit halt)");
}

TEST(HandOnFlags, AWayOutStandsBetween) {
  for (const std::string_view unused : {"", "%c = constant i64 0x20\n", "%c = constant i64 1\n%d = constant i8 2\n"}) {
    const std::string text =
        "b0:\n%w = get w\n%v = get v\n%f = flags_sub i32 %w, %v\nset f, %f\n"
        "%e = eq i32 %w, %v\nbranch %e, b1, b2\nb1:\n" +
        std::string(unused) + "exit_goto 0x20\nb2:\n";
    Unit unit = parsed(text + std::string(others) + "\nexit halt");
    hand_on_flags(unit);
    EXPECT_NE(print(unit).find("drop f"), std::string::npos) << print(unit);
    expect_left_alone(text + "exit halt");
  }
}

TEST(HandOnFlags, WhereNobodyDoesTheyStay) {
  for (const std::string_view first : {"", "%o = get f\nset f, %o", "call reads()"})
    expect_left_alone(compare_and_branch(first, ""));
  expect_left_alone(compare_and_branch("%a = get a\n%l = load i64 %a, space 0\n" + std::string(others), ""));
}

/// What stands elsewhere is taken to be run less often than what follows.
TEST(HandOnFlags, WhereOnlyTheTargetElsewhereDoesTheyStay) { expect_left_alone(compare_and_branch("", others)); }

TEST(HandOnFlags, FlagsThatNobodyWantsMayBeRead) {
  Unit unit = parsed(compare_and_branch("%dead = get f\n" + std::string(others), ""));
  hand_on_flags(unit);
  EXPECT_NE(print(unit).find("drop f"), std::string::npos);
}

/// What is compared is told by the slots as they are behind it, not as they were.
TEST(HandOnFlags, OperandsAreFoundInSlotsThatWereSet) {
  expect_pass(hand_on_flags, R"(b0:
  %a = get a
  %one = constant i64 1
  %less = sub i64 %a, %one
  set a, %less
  %f = flags_sub i64 %a, %one
  set f, %f
  %e = ne i64 %a, %one
  branch %e, b1, b2
b1:
  %o = get b
  %g = flags_logic i64 %o
  set f, %g
  exit next
b2:
  exit halt)",
              R"(b0:
  %a = get a
  %one = constant i64 1
  %less = sub i64 %a, %one
  set a, %less
  %f = flags_sub i64 %a, %one
  drop f
  %e = ne i64 %a, %one
  branch %e, b1, b2
b1:
  %o = get b
  %g = flags_logic i64 %o
  set f, %g
  exit next
b2:
  %a2 = get a
  %one2 = constant i64 1
  %more = add i64 %a2, %one2
  %one3 = constant i64 1
  %f2 = flags_sub i64 %more, %one3
  set f, %f2
  exit halt)");
}

TEST(HandOnFlags, WhatSlotsDoNotTellStays) {
  expect_left_alone(R"(b0:
  %a = get a
  %l = load i32 %a, space 0
  %f = flags_logic i32 %l
  set f, %f
  %n = constant i32 0
  %e = eq i32 %l, %n
  branch %e, b1, b2
b1:
  %o = get b
  %g = flags_logic i64 %o
  set f, %g
  exit next
b2:
  exit halt)");
}

/// b1 is come to with other flags too.
TEST(HandOnFlags, AllInFrontMustHandOnTheSame) {
  const auto text = [](std::string_view other) {
    return "b0:\n%w = get w\n%v = get v\n%f = flags_sub i32 %w, %v\nset f, %f\n%e = eq i32 %w, %v\nbranch %e, b1, b2\n"
           "b1:\n%o = get a\n%p = flags_logic i64 %o\nset f, %p\nexit next\n"
           "b2:\n%x = get w\n%y = get v\n%g = " +
           std::string(other) +
           "\nset f, %g\n%n = ne i32 %x, %y\n"
           "branch %n, b1, b3\nb3:\n%q = get b\n%r = flags_logic i64 %q\nset f, %r\nexit halt";
  };
  expect_left_alone(text("flags_add i32 %x, %y"));
  Unit same = parsed(text("flags_sub i32 %x, %y"));
  hand_on_flags(same);
  const std::string printed = print(same);
  EXPECT_NE(printed.find("drop f"), printed.rfind("drop f")) << printed;  // b0 and b2
}

constexpr std::string_view loop = R"(b0:
  %a = get a
  store i64 %a, %a, space 0
  %b = get b
  %more = add i64 %a, %b
  set a, %more
  %end = constant i64 100
  %f = flags_sub i64 %more, %end
  set f, %f
  %on = lt_u i64 %more, %end
  branch %on, b1, b2
b1:
  %pc = constant i64 7
  set pc, %pc
  poll
  jump b0
b2:
  exit next)";

TEST(HandOnFlags, RoundsOfALoopBehindTheFirstOweThemToExitsOnly) {
  Unit unit = parsed(loop);
  hand_on_flags(unit);
  sink_sets(unit);
  remove_dead(unit);
  ASSERT_TRUE(verify(unit));
  EXPECT_EQ(unit.code[unit.blocks[1].end - 1].target[0], 1u) << print(unit);
  unsigned sets = 0;
  for (const BlockId id : {0u, 1u})
    for (const Instr& instr : unit.instrs(id)) sets += instr.op == Op::set && instr.imm == 5 && !instr.sunk ? 1 : 0;
  EXPECT_EQ(sets, 0u) << print(unit);
}

/// Left in each of its rounds, by a store or a poll, and at its end.
TEST(HandOnFlags, ALoopIsLeftInTheSameState) {
  const Unit before = parsed(loop);
  Unit after = before;
  hand_on_flags(after);
  sink_sets(after);
  remove_dead(after);
  const std::vector<uint64_t> slots = {0, 50, 11, 1, 2, 0, 0};
  for (unsigned leave_at = 0; leave_at < 12; ++leave_at)
    EXPECT_EQ(ReferenceRun(before, slots, leave_at).seen(), ReferenceRun(after, slots, leave_at).seen()) << leave_at;
}

}  // namespace
}  // namespace strata::ir

// Units that run long: loops, and much code in one.
#include "codegen/interp/exits_test.h"
#include "ir/builder.h"

namespace strata::codegen::interp {

using ir::ExitKind;

/// Sums up 1 to n; a million rounds would overflow the stack, if one handler called the next.
TEST_F(Exits, LoopsRunAndPollLeavesThem) {
  const char* const text = R"(
    b0:
      insn 0x1000
      poll
      %1 = get a
      %2 = get b
      %3 = add i64 %1, %2
      set b, %3
      insn 0x1003
      %4 = constant i64 1
      %5 = sub i64 %1, %4
      set a, %5
      insn 0x1007
      %6 = constant i64 0
      %7 = ne i64 %5, %6
      branch %7, b0, b1
    b1:
      exit_goto 0x1009)";
  const uint64_t rounds = 1'000'000;
  set(a, rounds);
  EXPECT_EQ(run(text).kind, ExitKind::next);
  EXPECT_EQ(slot(b), rounds * (rounds + 1) / 2);
  EXPECT_EQ(world.context.insns, 3 * rounds);

  world.context.events = 1;
  EXPECT_EQ(run(text).kind, ExitKind::event);
  EXPECT_EQ(slot(pc), 0x1000u);
  EXPECT_EQ(world.context.insns, 3 * rounds);
}

/// The same with the loop's end as front ends write it.
TEST_F(Exits, LoopsThatLookForEventsAtTheirEnd) {
  const char* const text = R"(
    b0:
      insn 0x1000
      %1 = get a
      %2 = constant i64 1
      %3 = sub i64 %1, %2
      sunk set b, %1
      %4 = constant i64 0x40000
      %5 = load i8 %4, space 0
      set b, %3
      set a, %3
      insn 0x1004
      %6 = constant i64 0
      %7 = ne i64 %3, %6
      branch %7, b1, b2
    b1:
      %8 = constant i64 0x1000
      set pc, %8
      poll
      jump b0
    b2:
      exit_goto 0x1006)";
  set(a, 10);
  EXPECT_EQ(run(text).kind, ExitKind::next);
  EXPECT_EQ(world.context.insns, 20u);
  EXPECT_EQ(slot(pc), 0x1006u);

  world.context.events = 1;
  set(a, 10);
  EXPECT_EQ(run(text).kind, ExitKind::event);
  EXPECT_EQ(world.context.insns, 22u);
  EXPECT_EQ(slot(pc), 0x1000u);
  EXPECT_EQ(slot(a), 9u);
}

/// Flags of one block and a branch in the next on the same operands stay apart: the branch may be jumped to.
TEST_F(Exits, FlagsOfAnotherBlockAreNotTheBranchs) {
  set(a, 3);
  set(b, 5);
  const ir::RunResult result = run(R"(
    b0:
      %1 = get a
      %2 = get b
      %3 = flags_sub i64 %1, %2
      set f, %3
      jump b1
    b1:
      %4 = get a
      %5 = get b
      %6 = lt_u i64 %4, %5
      branch %6, b2, b3
    b2:
      %7 = constant i64 1
      %8 = get a
      %9 = add i64 %8, %7
      set a, %9
      jump b1
    b3:
      exit_goto 0x1000)");
  EXPECT_EQ(result.kind, ExitKind::next);
  EXPECT_EQ(slot(a), 5u);
  EXPECT_EQ(slot(f), 0x91u);  // of 3 - 5: borrow, half, sign
}

/// The flags take the place of the value that they are made of; the branch asks for what stands there now.
TEST_F(Exits, FlagsThatOverwriteTheirOperandAreNotTheBranchs) {
  set(f, 0);
  const ir::RunResult result = run(R"(
    b0:
      %1 = get f
      %2 = flags_logic i32 %1
      set f, %2
      %4 = constant i32 0
      %5 = eq i32 %2, %4
      branch %5, b1, b2
    b1:
      exit_goto 0x1000
    b2:
      exit_goto 0x2000)");
  EXPECT_EQ(result.kind, ExitKind::next);
  EXPECT_EQ(slot(f), 0x44u);  // zero, parity
  EXPECT_EQ(slot(pc), 0x2000u);
}

TEST_F(Exits, MillionsOfSlowAccessesKeepTheStack) {
  world.memory.set_kind(0, TestMemory::device);
  set(a, 500'000);
  run(R"(
    b0:
      insn 0x1000
      %1 = constant i64 0x40008
      %2 = load i32 %1, space 0
      %3 = atomic_add i32 %1, %2, space 0
      store i32 %1, %3, space 0
      call look_state()
      %4 = get a
      %5 = constant i64 1
      %6 = sub i64 %4, %5
      set a, %6
      %7 = constant i64 0
      %8 = ne i64 %6, %7
      branch %8, b0, b1
    b1:
      exit_goto 0x1009)");
  EXPECT_EQ(slot(a), 0u);
  EXPECT_EQ(world.memory.slow_loads, 1'000'000u);
}

TEST_F(Exits, LargeUnits) {
  ir::Builder build(exits_layout);
  build.begin(build.new_block());
  for (unsigned i = 0; i < 1500; ++i) {
    build.insn(i);
    build.set(a, build.mul(build.add(build.get(a), build.get(b)), build.get(a)));
    build.store(build.i64(TestMemory::base), build.get(a), 0);
  }
  build.exit_goto(0);
  set(a, 3);
  set(b, 5);
  run(build.finish(0, 1500, 1500));
  uint64_t expected = 3;
  for (unsigned i = 0; i < 1500; ++i) expected = (expected + 5) * expected;
  EXPECT_EQ(slot(a), expected);
  EXPECT_EQ(world.context.insns, 1500u);
}

}  // namespace strata::codegen::interp

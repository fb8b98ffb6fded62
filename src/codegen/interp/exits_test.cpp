// Ways out of units: what the state, the count and the result are, case by case.
#include <gtest/gtest.h>

#include "codegen/interp/interpreter.h"
#include "codegen/interp/reference_test.h"
#include "ir/builder.h"
#include "ir/text.h"

namespace strata::codegen::interp {
namespace {

using ir::ExitKind;
using ir::Type;

const ir::StateLayout layout{
    .slots = {{"pc", 0, Type::i64}, {"a", 8, Type::i64}, {"b", 16, Type::i64}, {"w", 24, Type::i32}, {"f", 28, Type::i32}},
    .size = 32,
    .pc = 0};
enum : ir::SlotId { pc, a, b, w, f };

/// What a helper of the tests found.
uint64_t seen_pc, seen_insns;

uint64_t look(ir::ExecContext& context) {
  std::memcpy(&seen_pc, context.state, sizeof seen_pc);
  seen_insns = context.insns;
  return 0;
}
uint64_t leave_with(ir::ExecContext& context, uint64_t kind, uint64_t next_pc) {
  context.leave = true;
  context.leave_kind = static_cast<ExitKind>(kind);
  context.leave_payload = 0xabcdef0123456789;
  if (next_pc != 0) std::memcpy(context.state, &next_pc, sizeof next_pc);
  return 0;
}

const ir::Helper helpers[] = {
    {"look_reads", reinterpret_cast<ir::Helper::Function>(&look), Type::none, {}, ir::HelperEffect::reads_state},
    {"look_state", reinterpret_cast<ir::Helper::Function>(&look), Type::none, {}, ir::HelperEffect::state},
    {"leave_with", reinterpret_cast<ir::Helper::Function>(&leave_with), Type::none, {Type::i8, Type::i64},
     ir::HelperEffect::may_exit},
};

const ir::Helper* find(std::string_view name) {
  for (const ir::Helper& helper : helpers) {
    if (helper.name == name) return &helper;
  }
  return nullptr;
}

struct Exits : ::testing::Test {
  World world{layout};

  ir::RunResult run(std::string_view text) {
    const auto unit = ir::parse(text, layout, find);
    EXPECT_TRUE(unit) << unit.error().message;
    return run(*unit);
  }
  ir::RunResult run(const ir::Unit& unit) {
    Interpreter interpreter;
    return interpreter.run(*interpreter.compile(unit), world.context);
  }
  uint64_t slot(ir::SlotId id) { return world.get(layout.slots[id]).lo; }
};

TEST_F(Exits, GotoSetsThePcAndNamesTheLink) {
  world.set(layout.slots[a], {1, 0});
  const char* const text = R"(
    b0:
      insn 0x1000
      %1 = get a
      %2 = trunc i1 %1
      branch %2, b2, b1
    b2:
      exit_goto 0xfedcba9876543210
    b1:
      exit_goto 0x2000)";
  ir::RunResult result = run(text);
  EXPECT_EQ(result.kind, ExitKind::next);
  EXPECT_EQ(result.link, 0);
  EXPECT_EQ(slot(pc), 0xfedcba9876543210);
  world.set(layout.slots[a], {2, 0});
  result = run(text);
  EXPECT_EQ(result.link, 1);
  EXPECT_EQ(slot(pc), 0x2000u);
  EXPECT_EQ(world.context.insns, 2u);
}

TEST_F(Exits, TheEntryNeedNotComeFirst) {
  run("b1:\n exit_goto 0x1\nb0:\n insn 0x1000\n jump b1");
  EXPECT_EQ(slot(pc), 1u);
  EXPECT_EQ(world.context.insns, 1u);
}

TEST_F(Exits, IndirectSetsThePcAndHasNoLink) {
  world.set(layout.slots[a], {0x1234, 0});
  const ir::RunResult result = run("b0:\n insn 0x1000\n insn 0x1001\n %1 = get a\n exit_indirect %1");
  EXPECT_EQ(result.kind, ExitKind::next);
  EXPECT_EQ(result.link, ir::RunResult::no_link);
  EXPECT_EQ(slot(pc), 0x1234u);
  EXPECT_EQ(world.context.insns, 2u);
}

TEST_F(Exits, ARefusedLoadLeavesTheStateBeforeIt) {
  const ir::RunResult result = run(R"(
    b0:
      insn 0x1000
      %1 = constant i64 0x11
      set a, %1
      insn 0x1004
      %2 = constant i64 0x10
      %3 = load i64 %2, space 2
      set a, %3
      insn 0x1008
      exit_goto 0x2000)");
  EXPECT_EQ(result.kind, ExitKind::memory);
  EXPECT_EQ(slot(pc), 0x1004u);
  EXPECT_EQ(slot(a), 0x11u);
  EXPECT_EQ(world.context.insns, 1u);
  EXPECT_EQ(world.memory.last_space, 2);
}

TEST_F(Exits, SunkSetsAreDoneWhereTheyAreOwedOnly) {
  const char* const text = R"(
    b0:
      insn 0x1000
      %a = get a
      %b = get b
      %1 = sunk add i64 %a, %b
      %2 = sunk xor i64 %1, %b
      sunk set b, %2
      insn 0x1001
      %3 = load i8 %a, space 0
      insn 0x1002
      %4 = zext i64 %3
      sunk set b, %4
      %5 = load i8 %b, space 0
      set b, %a
      insn 0x1003
      %6 = constant i64 0x10
      %7 = load i8 %6, space 0
      exit_goto 0)";
  const uint64_t good = TestMemory::base, bad = 0x20;
  const auto run_with = [&](uint64_t at_a, uint64_t at_b) {
    world.set(layout.slots[a], {at_a, 0});
    world.set(layout.slots[b], {at_b, 0});
    EXPECT_EQ(run(text).kind, ExitKind::memory);
  };
  *world.memory.at(good) = std::byte{0x77};
  run_with(bad, good);  // the first load fails
  EXPECT_EQ(slot(b), (good + bad) ^ good);
  EXPECT_EQ(slot(pc), 0x1001u);
  run_with(good, bad);  // the second one
  EXPECT_EQ(slot(b), 0x77u);
  EXPECT_EQ(slot(pc), 0x1002u);
  run_with(good, good);  // the third
  EXPECT_EQ(slot(b), good);
  EXPECT_EQ(slot(pc), 0x1003u);
  EXPECT_EQ(world.context.insns, 1u + 2u + 3u);
}

/// What a sunk set wants may stand in a slot that another one sets.
TEST_F(Exits, SunkSetsReadAllBeforeTheyWrite) {
  world.set(layout.slots[a], {1, 0});
  world.set(layout.slots[b], {2, 0});
  run(R"(
    b0:
      insn 0x1000
      %a = get a
      %b = get b
      %w = get w
      sunk set a, %b
      sunk set b, %a
      %1 = constant i64 0x10
      %2 = load i8 %1, space 0
      set a, %1
      set b, %1
      exit_goto 0)");
  EXPECT_EQ(slot(a), 2u);
  EXPECT_EQ(slot(b), 1u);
}

TEST_F(Exits, TrapsDoNotCountTheirInstructionOthersDo) {
  EXPECT_EQ(run("b0:\n insn 0x1000\n insn 0x1001\n exit trap 0x1122334455667788").payload, 0x1122334455667788u);
  EXPECT_EQ(slot(pc), 0x1001u);
  EXPECT_EQ(world.context.insns, 1u);
  EXPECT_EQ(run("b0:\n insn 0x1000\n insn 0x1001\n exit halt 0").kind, ExitKind::halt);
  EXPECT_EQ(world.context.insns, 3u);
}

TEST_F(Exits, ATrapBeforeAnyInstructionCountsNothing) {
  world.set(layout.slots[pc], {0x5000, 0});
  EXPECT_EQ(run("b0:\n exit trap 3").kind, ExitKind::trap);
  EXPECT_EQ(run("b0:\n %1 = constant i1 1\n exit_if %1, trap 3\n exit_goto 0").kind, ExitKind::trap);
  EXPECT_EQ(slot(pc), 0x5000u);
  EXPECT_EQ(world.context.insns, 0u);
}

TEST_F(Exits, ExitIfLeavesWithKindAndPayload) {
  const char* const text = R"(
    b0:
      insn 0x1000
      %1 = get a
      %2 = get b
      %3 = lt_u i64 %1, %2
      exit_if %3, leave 0xfedcba9876543210
      insn 0x1003
      exit_goto 0x1006)";
  EXPECT_EQ(run(text).kind, ExitKind::next);
  world.set(layout.slots[b], {1, 0});
  const ir::RunResult result = run(text);
  EXPECT_EQ(result.kind, ExitKind::leave);
  EXPECT_EQ(result.payload, 0xfedcba9876543210u);
  EXPECT_EQ(result.link, ir::RunResult::no_link);
  EXPECT_EQ(slot(pc), 0x1000u);
  EXPECT_EQ(world.context.insns, 2u + 1u);
}

TEST_F(Exits, PollCountsAnInstructionOnlyIfItIsDone) {
  world.context.events = 1;
  EXPECT_EQ(run("b0:\n insn 0x1000\n insn 0x1001\n poll\n exit_goto 0").kind, ExitKind::event);
  EXPECT_EQ(world.context.insns, 1u);
  EXPECT_EQ(slot(pc), 0x1001u);
  run("b0:\n insn 0x1000\n %1 = constant i64 0x77\n set pc, %1\n poll\n exit_goto 0");
  EXPECT_EQ(world.context.insns, 2u);
  EXPECT_EQ(slot(pc), 0x77u);
  world.context.events = 0;
  EXPECT_EQ(run("b0:\n poll\n exit_goto 0").kind, ExitKind::next);
}

/// A string instruction interrupted between two steps will begin anew.
TEST_F(Exits, PollInsideAnInstructionDoesNotCountIt) {
  world.context.events = 1;
  const char* const text = R"(
    b0:
      insn 0x1000
      insn 0x1001
      jump b1
    b1:
      call look_state()
      %1 = get a
      %2 = trunc i1 %1
      branch %2, b3, b2
    b2:
      poll
      jump b1
    b3:
      exit_goto 0x1003)";
  EXPECT_EQ(run(text).kind, ExitKind::event);
  EXPECT_EQ(slot(pc), 0x1001u);
  EXPECT_EQ(world.context.insns, 1u);
}

TEST_F(Exits, HelpersSeeThePcAndTheCount) {
  for (const char* const helper : {"look_reads", "look_state"}) {
    world.context.insns = 100;
    run(std::string("b0:\n insn 0x1000\n insn 0x1001\n call ") + helper + "()\n insn 0x1005\n exit_goto 0x9999");
    EXPECT_EQ(seen_pc, 0x1001u);
    EXPECT_EQ(seen_insns, 102u);
    EXPECT_EQ(world.context.insns, 103u);
  }
}

TEST_F(Exits, AHelperSeesThePcOfAnEarlierBlock) {
  run("b0:\n insn 0x1000\n %1 = get a\n %2 = trunc i1 %1\n branch %2, b1, b2\nb1:\n exit_goto 1\nb2:\n call look_reads()\n exit_goto 2");
  EXPECT_EQ(seen_pc, 0x1000u);
  EXPECT_EQ(seen_insns, 1u);
}

TEST_F(Exits, AHelperLeaves) {
  const auto text = [](int kind, int next_pc) {
    return "b0:\n insn 0x1000\n insn 0x1002\n %1 = constant i8 " + std::to_string(kind) + "\n %2 = constant i64 " +
           std::to_string(next_pc) + "\n call leave_with(%1, %2)\n insn 0x1003\n exit_goto 0";
  };
  ir::RunResult result = run(text(static_cast<int>(ExitKind::leave), 0x1003));
  EXPECT_EQ(result.kind, ExitKind::leave);
  EXPECT_EQ(result.payload, 0xabcdef0123456789u);
  EXPECT_FALSE(world.context.leave);
  EXPECT_EQ(slot(pc), 0x1003u);
  EXPECT_EQ(world.context.insns, 2u);
  result = run(text(static_cast<int>(ExitKind::trap), 0));
  EXPECT_EQ(result.kind, ExitKind::trap);
  EXPECT_EQ(slot(pc), 0x1002u);
  EXPECT_EQ(world.context.insns, 3u);
}

TEST_F(Exits, PcsFarApart) {
  EXPECT_EQ(run("unit 0x1000, 1 bytes, 1 insns\nb0:\n insn 0x1000\n insn 0xffffffff80001000\n exit trap 0").kind, ExitKind::trap);
  EXPECT_EQ(slot(pc), 0xffffffff80001000u);
  run("unit 0x1000, 1 bytes, 1 insns\nb0:\n insn 0x1000\n insn 0xffffff0080001000\n %1 = constant i64 0\n %2 = load i8 %1, space 0\n exit trap 0");
  EXPECT_EQ(slot(pc), 0xffffff0080001000u);
}

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
  world.set(layout.slots[a], {rounds, 0});
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
  world.set(layout.slots[a], {10, 0});
  EXPECT_EQ(run(text).kind, ExitKind::next);
  EXPECT_EQ(world.context.insns, 20u);
  EXPECT_EQ(slot(pc), 0x1006u);

  world.context.events = 1;
  world.set(layout.slots[a], {10, 0});
  EXPECT_EQ(run(text).kind, ExitKind::event);
  EXPECT_EQ(world.context.insns, 22u);
  EXPECT_EQ(slot(pc), 0x1000u);
  EXPECT_EQ(slot(a), 9u);
}

TEST_F(Exits, MillionsOfSlowAccessesKeepTheStack) {
  world.memory.set_kind(0, TestMemory::device);
  world.set(layout.slots[a], {500'000, 0});
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
  ir::Builder build(layout);
  build.begin(build.new_block());
  for (unsigned i = 0; i < 1500; ++i) {
    build.insn(i);
    build.set(a, build.mul(build.add(build.get(a), build.get(b)), build.get(a)));
    build.store(build.i64(TestMemory::base), build.get(a), 0);
  }
  build.exit_goto(0);
  world.set(layout.slots[a], {3, 0});
  world.set(layout.slots[b], {5, 0});
  run(build.finish(0, 1500, 1500));
  uint64_t expected = 3;
  for (unsigned i = 0; i < 1500; ++i) expected = (expected + 5) * expected;
  EXPECT_EQ(slot(a), expected);
  EXPECT_EQ(world.context.insns, 1500u);
}

}  // namespace
}  // namespace strata::codegen::interp

// Ways out of units: what the state, the count and the result are, case by case.
#include <fmt/format.h>

#include "codegen/interp/exits_test.h"

namespace strata::codegen::interp {
namespace {

using ir::ExitKind;
using ir::Type;

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
    {"leave_with",
     reinterpret_cast<ir::Helper::Function>(&leave_with),
     Type::none,
     {Type::i8, Type::i64},
     ir::HelperEffect::may_exit},
};

}  // namespace

const ir::Helper* find_exits_helper(std::string_view name) {
  for (const ir::Helper& helper : helpers) {
    if (helper.name == name) return &helper;
  }
  return nullptr;
}

/// Stores byte after byte, so that each may be where it is left.
TEST_F(Exits, AreMany) {
  constexpr unsigned stores = 700;
  std::string text = "unit 0x1000, 4 bytes, 700 insns\nb0:\n  %a = get a\n  %one = constant i64 0x1\n  %byte = get b\n";
  for (unsigned i = 0; i < stores; ++i) {
    text += fmt::format("  insn 0x{:x}\n  %n{} = add i64 %{}, %one\n", 0x1000 + i, i,
                        i == 0 ? "a" : fmt::format("n{}", i - 1));
    text += fmt::format("  %l{} = trunc i8 %n{}\n  store i8 %n{}, %l{}, space 0\n", i, i, i, i);
  }
  text += "  exit_goto 0x2000";
  const auto unit = ir::parse(text, exits_layout, find_exits_helper);
  ASSERT_TRUE(unit) << unit.error().message;
  world.memory.set_kind(1, TestMemory::refused);
  for (const unsigned done : {0u, 1u, 31u, 32u, 33u, 255u, 256u, 257u, 600u, 699u}) {
    set(a, TestMemory::base + ir::page_size - 1 - done);
    world.context.insns = 0;
    EXPECT_EQ(run(*unit).kind, ExitKind::memory);
    EXPECT_EQ(slot(pc), 0x1000 + done);
    EXPECT_EQ(world.context.insns, done);
  }
}

TEST_F(Exits, GotoSetsThePcAndNamesTheLink) {
  set(a, 1);
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
  set(a, 2);
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
  set(a, 0x1234);
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
    set(a, at_a);
    set(b, at_b);
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
  set(a, 1);
  set(b, 2);
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
  set(pc, 0x5000);
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
  set(b, 1);
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
  run("b0:\n insn 0x1000\n %1 = get a\n %2 = trunc i1 %1\n branch %2, b1, b2\nb1:\n exit_goto 1\nb2:\n call "
      "look_reads()\n exit_goto 2");
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
  EXPECT_EQ(run("unit 0x1000, 1 bytes, 1 insns\nb0:\n insn 0x1000\n insn 0xffffffff80001000\n exit trap 0").kind,
            ExitKind::trap);
  EXPECT_EQ(slot(pc), 0xffffffff80001000u);
  run("unit 0x1000, 1 bytes, 1 insns\nb0:\n insn 0x1000\n insn 0xffffff0080001000\n %1 = constant i64 0\n %2 = load i8 "
      "%1, space 0\n exit trap 0");
  EXPECT_EQ(slot(pc), 0xffffff0080001000u);
}

}  // namespace strata::codegen::interp

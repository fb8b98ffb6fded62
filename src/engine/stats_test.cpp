// Tests of what the engine counts, and of what it makes of it.
#include "engine/stats.h"

#include <gtest/gtest.h>

#include "engine/engine_fixture_test.h"

namespace strata::engine {
namespace {

using toy::Assembler;
using toy::Op;

struct StatsTest : EngineTest {
  uint64_t exits(ir::ExitKind kind) const { return engine->stats().exits[static_cast<size_t>(kind)]; }
};

TEST_F(StatsTest, ExitsAreCountedByTheirKind) {
  put(0x1000, Assembler().op(Op::illegal));
  for (int i = 0; i < 3; ++i) finish_at(0x1000);
  EXPECT_EQ(exits(ir::ExitKind::trap), 3u);
  EXPECT_EQ(exits(ir::ExitKind::memory), 0u);
}

TEST_F(StatsTest, ThoseOfSeveralProcessorsAreAdded) {
  Stats sum = {.insns = 1, .walks = 5};
  const Stats other = {.insns = 10, .code_invalidations = 3, .exits = {0, 7}, .slow_accesses = 2};
  sum += other;
  EXPECT_EQ(sum.insns, 11u);
  EXPECT_EQ(sum.code_invalidations, 3u);
  EXPECT_EQ(sum.exits[1], 7u);
  EXPECT_EQ(sum.walks, 5u);
  EXPECT_EQ(sum.slow_accesses, 2u);
}

TEST_F(StatsTest, UnitsAndWhatIsInThemAreCounted) {
  Assembler code;
  code.li(1, 3);
  const size_t loop = code.at();
  code.imm(Op::addi, 1, -1).branch(Op::bnz, 1, loop).op(Op::stop);
  put(0x1000, code);
  finish_at(0x1000);
  const Stats stats = engine->stats();
  EXPECT_EQ(stats.units, 3u);  // the loop's first round begins before its target
  EXPECT_EQ(stats.units_kept, 3u);
  EXPECT_EQ(stats.unit_insns, 3u + 2u + 1u);
  EXPECT_EQ(stats.insns, 1u + 3u * 2u + 1u);
  EXPECT_EQ(stats.insns_alone, 0u);
  EXPECT_GT(stats.make_ns(), 0u);
}

TEST_F(StatsTest, AccessesOffTheFastPathAreCounted) {
  put(0x1000, Assembler().li(1, 0x2000).op(Op::load, 0, 1).op(Op::load, 0, 1).op(Op::stop));
  finish_at(0x1000);
  const Stats stats = engine->stats();
  EXPECT_EQ(stats.unit_accesses, 2u);
  EXPECT_EQ(stats.slow_accesses, 1u) << "the second load hits";
  EXPECT_EQ(stats.walks, 2u) << "one for the code, one for the data";
}

std::string note_of(const Stats& stats, std::string_view name) {
  for (const iface::Figure& figure : figures(stats))
    if (figure.name == name) return figure.note;
  return "no such figure";
}

TEST(Figures, TheHitRateIsThatOfTheInstructionsDone) {
  EXPECT_EQ(note_of({}, "slow accesses"), "");
  const Stats stats{.insns = 100'000, .unit_insns = 200, .unit_accesses = 100, .slow_accesses = 500};
  EXPECT_TRUE(note_of(stats, "slow accesses").starts_with("hit rate about 99.000 %, at 0.50 accesses"))
      << note_of(stats, "slow accesses");
}

TEST(Figures, AnEngineThatDidNothingHasFiguresToo) {
  for (const iface::Figure& figure : figures({})) EXPECT_EQ(figure.value, 0u) << figure.name;
}

}  // namespace
}  // namespace strata::engine

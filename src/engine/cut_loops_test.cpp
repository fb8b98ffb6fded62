// Tests of the cutting of loops: which jumps become exits, and what stays.
#include "engine/cut_loops.h"

#include <gtest/gtest.h>

#include "engine/toy_guest_test.h"
#include "ir/verify.h"

namespace strata::engine {
namespace {

using ir::Op;

unsigned count(const ir::Unit& unit, Op op) {
  return static_cast<unsigned>(
      std::count_if(unit.code.begin(), unit.code.end(), [op](const ir::Instr& instr) { return instr.op == op; }));
}

/// b0: insn 0x10; branch to `back` or b1.  b1: insn 0x14; exit.
ir::Unit loop_to_itself(bool begins_with_insn) {
  ir::Builder b(toy::layout());
  const ir::BlockId entry = b.new_block(), loop = b.new_block(), rest = b.new_block();
  b.begin(entry);
  b.insn(0x10);
  b.jump(loop);
  b.begin(loop);
  b.poll();
  if (begins_with_insn) b.insn(0x14);
  b.branch(b.ne(b.get(0), b.i64(0)), loop, rest);
  b.begin(rest);
  b.insn(0x18);
  b.exit_goto(0x1c);
  return b.finish(0x10, 12, 3);
}

TEST(CutLoops, ABackwardJumpToAnInstructionBecomesAnExitToIt) {
  ir::Unit unit = loop_to_itself(true);
  cut_loops(unit);
  ASSERT_TRUE(ir::verify(unit).has_value());
  ASSERT_EQ(count(unit, Op::exit_goto), 2u);
  EXPECT_EQ(unit.code.back().imm, 0x14u);
  EXPECT_EQ(count(unit, Op::jump), 1u);  // forwards: stays
  const ir::Instr& branch = unit.code[unit.blocks[1].end - 1];
  EXPECT_EQ(branch.target[0], 3u);
  EXPECT_EQ(branch.target[1], 2u);
}

TEST(CutLoops, ALoopInsideOneInstructionStays) {
  ir::Unit unit = loop_to_itself(false);
  cut_loops(unit);
  ASSERT_TRUE(ir::verify(unit).has_value());
  EXPECT_EQ(count(unit, Op::exit_goto), 1u);
  EXPECT_EQ(unit.blocks.size(), 3u);
}

}  // namespace
}  // namespace strata::engine

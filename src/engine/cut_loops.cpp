// Replaces the back edges of a unit by exits.
#include "engine/cut_loops.h"

#include <optional>

namespace strata::engine {

namespace {

/// The pc of the instruction with which a block begins. Values do not cross blocks, so the state is exact there.
std::optional<uint64_t> entry_pc(const ir::Unit& unit, ir::BlockId block) {
  for (const ir::Instr& instr : unit.instrs(block)) {
    if (instr.op == ir::Op::insn) return instr.imm;
    if (instr.op != ir::Op::poll && instr.op != ir::Op::nop) return std::nullopt;
  }
  return std::nullopt;
}

ir::BlockId add_exit(ir::Unit& unit, uint64_t pc) {
  const auto begin = static_cast<uint32_t>(unit.code.size());
  ir::Instr exit;
  exit.op = ir::Op::exit_goto;
  exit.imm = pc;
  unit.code.push_back(exit);
  unit.blocks.push_back({begin, begin + 1});
  return static_cast<ir::BlockId>(unit.blocks.size() - 1);
}

}  // namespace

void cut_loops(ir::Unit& unit) {
  const auto blocks = static_cast<ir::BlockId>(unit.blocks.size());  // without the exits that are added
  for (ir::BlockId block = 0; block < blocks; ++block) {
    const uint32_t last = unit.blocks[block].end - 1;
    const ir::Op op = unit.code[last].op;
    const unsigned targets = op == ir::Op::branch ? 2 : op == ir::Op::jump ? 1 : 0;
    for (unsigned i = 0; i < targets; ++i) {
      const ir::BlockId target = unit.code[last].target[i];
      if (unit.blocks[target].begin > unit.blocks[block].begin) continue;  // the code's order, not the numbers'
      if (const auto pc = entry_pc(unit, target)) unit.code[last].target[i] = add_exit(unit, *pc);
    }
  }
}

}  // namespace strata::engine

// Marks sets that only exits can see.
#include <array>

#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

/// What follows the block sees all slots too.
bool reads_all_slots(const Unit& unit, const Instr& instr) {
  return has(instr.op, Trait::terminator) || sees_state(unit, instr);
}

}  // namespace

void sink_sets(Unit& unit) {
  constexpr uint32_t never = ~uint32_t{0};
  std::array<uint32_t, max_slots> set_again;  // where, in the code behind
  set_again.fill(never);
  uint32_t barrier = never;  // the next instruction that reads all slots
  for (auto i = static_cast<uint32_t>(unit.code.size()); i-- > 0;) {
    Instr& instr = unit.code[i];
    if (instr.op == Op::set) {
      instr.sunk = set_again[instr.imm] < barrier;
      set_again[instr.imm] = i;
    } else if (instr.op == Op::drop) {
      set_again[instr.imm] = i;
    } else if (instr.op == Op::insn) {
      set_again[unit.layout->pc] = i;
    } else if (instr.op == Op::get) {
      set_again[instr.imm] = never;
    } else if (reads_all_slots(unit, instr)) {
      barrier = i;
    }
  }
}

}  // namespace strata::ir

// Checks that a unit is well formed: its blocks, then each instruction.
#include "ir/verify.h"

#include "ir/typing.h"

namespace strata::ir {
namespace {

/// What is wrong with instruction `index` of a block that begins at `begin`; nullptr if nothing.
const char* instr_error(const Unit& unit, uint32_t begin, uint32_t index) {
  const Instr& instr = unit.code[index];
  if (static_cast<size_t>(instr.op) >= std::size(op_table)) return "there is no such operation";
  for (const Value arg : instr.arg) {
    if (arg != no_value && (arg < begin || arg >= index)) return "an operand is not defined before it in its block";
  }
  if (const char* error = type_error(unit, instr)) return error;
  const bool jumps = instr.op == Op::jump || instr.op == Op::branch;
  if (jumps && instr.target[0] >= unit.blocks.size()) return "the target is no block";
  if (instr.op == Op::branch && instr.target[1] >= unit.blocks.size()) return "the target is no block";
  if (!instr.sunk) {
    for (const Value arg : instr.arg) {
      const bool at_exits = arg != no_value && unit.code[arg].sunk;
      if (at_exits) return "an operand is sunk, but the instruction is not";
    }
  } else if (instr.op != Op::set && !has(instr.op, Trait::pure)) {
    return "only sets and pure operations can be sunk";
  }
  return nullptr;
}

Result<void> verify_block(const Unit& unit, size_t id) {
  const Block block = unit.blocks[id];
  if (block.begin >= block.end || block.end > unit.code.size()) {
    return fail("b{}: the block spans {} to {} of {} instructions", id, block.begin, block.end, unit.code.size());
  }
  for (uint32_t i = block.begin; i < block.end; ++i) {
    const char* error = instr_error(unit, block.begin, i);
    const bool last = i + 1 == block.end;
    if (!error && has(unit.code[i].op, Trait::terminator) != last) {
      error = last ? "the block's last instruction is no terminator" : "a terminator stands inside the block";
    }
    if (!error) continue;
    const auto op = static_cast<size_t>(unit.code[i].op);
    return fail("b{}: %{} {}: {}", id, i, op < std::size(op_table) ? op_names[op] : "?", error);
  }
  return {};
}

}  // namespace

Result<void> verify(const Unit& unit) {
  if (!unit.layout) return fail("the unit has no state layout");
  if (unit.layout->slots.size() > max_slots) return fail("the layout has more than {} slots", max_slots);
  if (unit.layout->pc >= unit.layout->slots.size()) return fail("the layout has no pc slot {}", unit.layout->pc);
  if (unit.blocks.empty()) return fail("the unit has no block");
  size_t covered = 0;
  for (size_t id = 0; id < unit.blocks.size(); ++id) {
    STRATA_TRY(verify_block(unit, id));
    covered += unit.blocks[id].end - unit.blocks[id].begin;
  }
  if (covered != unit.code.size()) return fail("blocks hold {} of {} instructions", covered, unit.code.size());
  return {};
}

}  // namespace strata::ir

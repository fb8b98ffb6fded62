// For the tests of passes: runs units of integer operations step by step, as the definition of sinking reads.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "ir/evaluate.h"
#include "ir/passes/played_world_test.h"

namespace strata::ir {

class ReferenceRun {
 public:
  ReferenceRun(const Unit& unit, std::vector<uint64_t> slots, unsigned leave_at)
      : unit_(unit), slots_(std::move(slots)), world_{leave_at}, values_(unit.code.size()) {}

  /// Everything visible, in order: accesses, calls, the way out and the state there.
  std::vector<uint64_t> seen() {
    for (BlockId block = 0; block < unit_.blocks.size();) block = run_block(block);
    return std::move(world_.seen);
  }

 private:
  static constexpr BlockId outside = ~BlockId{0};

  uint64_t value(const Instr& instr, unsigned i) const { return values_[instr.arg[i]].value(); }

  void compute(Value index) {
    const Instr& instr = unit_.code[index];
    Constant operands[3];
    unsigned count = 0;
    for (; count < 3 && instr.arg[count] != no_value; ++count) {
      operands[count] = {result_type(unit_, unit_.code[instr.arg[count]]), value(instr, count)};
    }
    values_[index] = evaluate(instr, {operands, count}).value();
  }

  /// Sunk values, then those sunk sets that are the last of their slot before here.
  BlockId leave(uint32_t begin, uint32_t at, ExitKind kind, uint64_t payload) {
    std::map<uint64_t, uint32_t> last_set;
    for (uint32_t i = begin; i < at; ++i) {
      const Instr& instr = unit_.code[i];
      if (instr.sunk && instr.op != Op::set) compute(i);
      if (instr.op == Op::set || instr.op == Op::drop) last_set[instr.imm] = i;
      if (instr.op == Op::insn) last_set[unit_.layout->pc] = i;
    }
    for (const auto& [slot, index] : last_set) {
      if (unit_.code[index].op == Op::set && unit_.code[index].sunk) slots_[slot] = value(unit_.code[index], 0);
    }
    world_.left(kind, payload, slots_);
    return outside;
  }

  /// Whether the helper has the unit left behind it.
  bool call(uint32_t index) {
    const Helper& helper = *unit_.helpers[unit_.code[index].imm];
    if (helper.effect == HelperEffect::pure) {
      values_[index] = 77;
      return false;
    }
    world_.see(slots_);
    if (helper.effect == HelperEffect::reads_state) return false;
    world_.change(*unit_.layout, slots_);
    return helper.effect == HelperEffect::may_exit && world_.helper_leaves();
  }

  /// False: refused.
  bool access(uint32_t index) {
    const Instr& instr = unit_.code[index];
    if (instr.op == Op::store) return world_.store(value(instr, 0), value(instr, 1));
    values_[index] = world_.load(value(instr, 0), instr.type);
    return values_[index].has_value();
  }

  BlockId run_block(BlockId block) {
    const auto [begin, end] = unit_.blocks[block];
    for (uint32_t i = begin; i < end; ++i) {
      const Instr& instr = unit_.code[i];
      if (instr.sunk) continue;
      const auto kind = static_cast<ExitKind>(instr.kind);
      switch (instr.op) {
        case Op::get: values_[i] = slots_[instr.imm]; break;
        case Op::set: slots_[instr.imm] = value(instr, 0); break;
        case Op::drop: slots_[instr.imm] ^= Flag::all; break;
        case Op::insn: slots_[unit_.layout->pc] = instr.imm; break;
        case Op::load:
        case Op::store:
          if (!access(i)) return leave(begin, i, ExitKind::memory, 0);
          break;
        case Op::poll:
          if (world_.leave_at == 0) return leave(begin, i, ExitKind::event, 0);
          break;
        case Op::exit_if:
          if (value(instr, 0) != 0) return leave(begin, i, kind, instr.imm);
          break;
        case Op::call:
          if (call(i)) return leave(begin, i + 1, ExitKind::halt, 9);
          break;
        case Op::jump: return instr.target[0];
        case Op::branch: return instr.target[value(instr, 0) != 0 ? 0 : 1];
        case Op::exit: return leave(begin, i, kind, instr.imm);
        case Op::nop:
        case Op::expect_return: break;
        default: compute(i);
      }
    }
    return outside;
  }

  const Unit& unit_;
  std::vector<uint64_t> slots_;
  PlayedWorld world_;
  std::vector<std::optional<uint64_t>> values_;
};

}  // namespace strata::ir

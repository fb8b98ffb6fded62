// For the tests of passes: runs units of integer operations step by step and notes all that the outside could see.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "ir/evaluate.h"

namespace strata::ir {

/// The slot named f holds flags. Memory, helpers and interruptions are played: what is read depends on what has happened so far.
class ReferenceRun {
 public:
  /// Leaves at the `leave_at`th load, store or poll.
  ReferenceRun(const Unit& unit, std::vector<uint64_t> slots, unsigned leave_at)
      : unit_(unit), slots_(std::move(slots)), leave_at_(leave_at), values_(unit.code.size()) {}

  /// Everything visible, in order: stores, calls, the way out and the state there.
  std::vector<uint64_t> seen() {
    for (BlockId block = 0; block < unit_.blocks.size();) block = run_block(block);
    seen_.insert(seen_.end(), slots_.begin(), slots_.end());
    return std::move(seen_);
  }

 private:
  static constexpr BlockId outside = ~BlockId{0};

  uint64_t value(const Instr& instr, unsigned i) const { return *values_[instr.arg[i]]; }

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
  BlockId leave(uint32_t begin, uint32_t at, uint64_t why) {
    std::map<uint64_t, uint32_t> last_set;
    for (uint32_t i = begin; i < at; ++i) {
      const Instr& instr = unit_.code[i];
      if (instr.sunk && instr.op != Op::set) compute(i);
      if (instr.op == Op::set) last_set[instr.imm] = i;
      if (instr.op == Op::insn) last_set[unit_.layout->pc] = i;
    }
    for (const auto& [slot, index] : last_set) {
      if (unit_.code[index].op == Op::set && unit_.code[index].sunk) slots_[slot] = value(unit_.code[index], 0);
    }
    seen_.push_back(why);
    return outside;
  }

  void call(uint32_t index) {
    const Helper& helper = *unit_.helpers[unit_.code[index].imm];
    if (helper.effect == HelperEffect::pure) {
      values_[index] = 77;
      return;
    }
    seen_.insert(seen_.end(), slots_.begin(), slots_.end());
    if (helper.effect == HelperEffect::reads_state) return;
    for (size_t i = 0; i < slots_.size(); ++i) {
      const Slot& slot = unit_.layout->slots[i];
      slots_[i] = (slots_[i] * 5 + seen_.size() + i) & (slot.name == "f" ? Flag::all : mask(slot.type));
    }
  }

  BlockId run_block(BlockId block) {
    const auto [begin, end] = unit_.blocks[block];
    for (uint32_t i = begin; i < end; ++i) {
      const Instr& instr = unit_.code[i];
      if (instr.sunk) continue;
      switch (instr.op) {
        case Op::get: values_[i] = slots_[instr.imm]; break;
        case Op::set: slots_[instr.imm] = value(instr, 0); break;
        case Op::insn:
          slots_[unit_.layout->pc] = instr.imm;
          seen_.push_back(instr.imm);
          break;
        case Op::load:
        case Op::store:
        case Op::poll:
          if (leave_at_-- == 0) return leave(begin, i, static_cast<uint64_t>(instr.op));
          if (instr.op != Op::poll) seen_.push_back(value(instr, 0));
          if (instr.op == Op::store) seen_.push_back(value(instr, 1));
          if (instr.op == Op::load) values_[i] = (value(instr, 0) * 7 + seen_.size()) & mask(instr.type);
          break;
        case Op::exit_if:
          if (value(instr, 0) != 0) return leave(begin, i, instr.imm);
          break;
        case Op::call: call(i); break;
        case Op::jump: return instr.target[0];
        case Op::branch: return instr.target[value(instr, 0) != 0 ? 0 : 1];
        case Op::exit: return leave(begin, i, instr.imm);
        case Op::nop: break;
        default: compute(i);
      }
    }
    return outside;
  }

  const Unit& unit_;
  std::vector<uint64_t> slots_;
  unsigned leave_at_;
  std::vector<std::optional<uint64_t>> values_;
  std::vector<uint64_t> seen_;
};

}  // namespace strata::ir

// Looks for values among those that slots were set to, or given by.
#include "ir/passes/formula.h"

#include <algorithm>
#include <span>

namespace strata::ir {

class FormulaFinder {
 public:
  FormulaFinder(const Unit& unit, const Block& block) : unit_(unit), block_(block) { list_slots(); }

  bool find(Value value) { return add_value(value) != Formula::none; }
  const Formula& found() const { return found_; }

 private:
  /// At the block's end the slot holds the value.
  struct Held {
    uint64_t slot;
    Value value;
  };
  static constexpr unsigned most_slots = 12;

  const Instr& at(Value value) const { return unit_.code[value]; }

  /// The slots of integers that the block has set or read last.
  void list_slots() {
    for (uint32_t i = block_.end; i-- > block_.begin && held_count_ < most_slots;) {
      const Instr& instr = at(i);
      if (sees_state(unit_, instr)) return;  // it may have set any
      if (instr.op != Op::set && instr.op != Op::get) continue;
      if (instr.imm == unit_.layout->pc || instr.imm == unit_.layout->flags || instr.type > Type::i64) continue;
      if (std::any_of(held_, held_ + held_count_, [&](const Held& one) { return one.slot == instr.imm; })) continue;
      held_[held_count_++] = {instr.imm, instr.op == Op::set ? instr.arg[0] : i};
    }
  }

  uint8_t add(Op op, Type type, uint64_t imm, uint8_t a = Formula::none, uint8_t b = Formula::none) {
    if (found_.size_ == Formula::most) return Formula::none;
    found_.nodes_[found_.size_] = {op, type, {a, b}, imm};
    return found_.size_++;
  }

  uint8_t add_slot(const Held& held, Type wanted) {
    const Type type = unit_.layout->slots[held.slot].type;
    const uint8_t slot = add(Op::get, type, held.slot);
    return slot == Formula::none || type == wanted ? slot : add(Op::trunc, wanted, 0, slot);
  }

  /// Whether the lower part of `whole` is `value`.
  bool holds(Value whole, Value value) const {
    if (whole == value) return true;
    const Instr& instr = at(whole);
    if (instr.op == Op::zext && instr.arg[0] == value) return true;
    if (instr.op == Op::insert_low && instr.arg[1] == value) return true;
    return at(value).op == Op::trunc && holds(whole, at(value).arg[0]);
  }

  uint8_t add_held(Value value) {
    const Type type = result_type(unit_, at(value));
    for (const Held& held : std::span(held_, held_count_))
      if (holds(held.value, value)) return add_slot(held, type);
    for (const Held& held : std::span(held_, held_count_))
      if (const uint8_t undone = add_undone(held, value, type); undone != Formula::none) return undone;
    return Formula::none;
  }

  /// What a constant was added to or subtracted from, of the result.
  uint8_t add_undone(const Held& held, Value value, Type type) {
    Value result = held.value;
    if (at(result).op == Op::zext) result = at(result).arg[0];
    const Instr& instr = at(result);
    if ((instr.op != Op::add && instr.op != Op::sub) || instr.type != type || instr.arg[0] != value)
      return Formula::none;
    if (at(instr.arg[1]).op != Op::constant) return Formula::none;
    const uint8_t slot = add_slot(held, type), constant = add(Op::constant, type, at(instr.arg[1]).imm);
    if (slot == Formula::none || constant == Formula::none) return Formula::none;
    return add(instr.op == Op::add ? Op::sub : Op::add, type, 0, slot, constant);
  }

  uint8_t add_value(Value value) {
    const Instr& instr = at(value);
    if (instr.op == Op::constant) return add(instr.op, instr.type, instr.imm);
    if (const uint8_t held = add_held(value); held != Formula::none) return held;
    const bool simple = has(instr.op, Trait::pure) && info(instr.op).operands <= 2 && instr.lane == Lane::none &&
                        instr.op != Op::vconstant && info(instr.op).operands > 0;
    if (!simple) return Formula::none;
    uint8_t operands[2] = {Formula::none, Formula::none};
    for (unsigned i = 0; i < info(instr.op).operands; ++i)
      if ((operands[i] = add_value(instr.arg[i])) == Formula::none) return Formula::none;
    return add(instr.op, instr.type, instr.imm, operands[0], operands[1]);
  }

  const Unit& unit_;
  const Block& block_;
  Formula found_;
  Held held_[most_slots];
  unsigned held_count_ = 0;
};

std::optional<Formula> Formula::of(const Unit& unit, const Block& block, Value value) {
  FormulaFinder finder(unit, block);
  return finder.find(value) ? std::optional(finder.found()) : std::nullopt;
}

Value Formula::append_to(std::vector<Instr>& code) const {
  const auto first = static_cast<Value>(code.size());
  for (const Node& node : std::span(nodes_).first(size_)) {
    Instr instr{.op = node.op, .type = node.type, .imm = node.imm};
    for (unsigned i = 0; i < std::size(node.operand) && node.operand[i] != none; ++i)
      instr.arg[i] = first + node.operand[i];
    code.push_back(instr);
  }
  return first + size_ - 1u;
}

}  // namespace strata::ir

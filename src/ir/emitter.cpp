// Appends instructions; keeps what is known of slots and of values computed before.
#include "ir/emitter.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "ir/simplify.h"

namespace strata::ir {
namespace {

bool same(const Instr& a, const Instr& b) {
  return a.op == b.op && a.type == b.type && a.lane == b.lane && a.imm == b.imm &&
         std::equal(std::begin(a.arg), std::end(a.arg), std::begin(b.arg));
}

unsigned hash(const Instr& instr) {
  uint64_t h = static_cast<uint64_t>(instr.op) | static_cast<uint64_t>(instr.type) << 8 |
               static_cast<uint64_t>(instr.lane) << 16;
  h = (h ^ instr.imm) * 0x9e3779b97f4a7c15;
  h = (h ^ h >> 32 ^ instr.arg[0] ^ static_cast<uint64_t>(instr.arg[1]) << 24) * 0x9e3779b97f4a7c15;
  return static_cast<unsigned>(h >> 57);
}

/// Constants to the right, otherwise the older operand first: so that equal values look equal.
void order_operands(const Emitter& emitter, Instr& instr) {
  const bool left = emitter.is_constant(instr.arg[0]), right = emitter.is_constant(instr.arg[1]);
  if (left != right ? left : instr.arg[1] < instr.arg[0]) std::swap(instr.arg[0], instr.arg[1]);
}

}  // namespace

Emitter::Emitter(const StateLayout& layout) {
  STRATA_ASSERT(layout.slots.size() <= max_slots, "a layout with too many slots");
  unit_.layout = &layout;
}

void Emitter::reset() {
  const StateLayout* layout = unit_.layout;
  unit_ = {};
  unit_.layout = layout;
  block_begin_ = 0;
  forget_slots();
}

void Emitter::begin(BlockId block) {
  constexpr size_t usual_size = 256, usual_blocks = 16;
  if (unit_.code.capacity() == 0) {
    unit_.code.reserve(usual_size);
    unit_.blocks.reserve(usual_blocks);
  }
  block_ = block;
  block_begin_ = size();
  unit_.blocks[block].begin = block_begin_;
  pc_insn_ = no_value;
  forget_slots();
}

/// All that this calls is put in line: a unit is made of some 70 instructions, and few make the vector grow.
[[gnu::flatten]] Value Emitter::append(const Instr& instr) {
  unit_.code.push_back(instr);
  return size() - 1;
}

Value Emitter::append_unless_known(const Instr& instr) {
  Value& recent = recent_[hash(instr)];
  if (recent >= block_begin_ && recent < size() && same(at(recent), instr)) return recent;
  return recent = append(instr);
}

Value Emitter::constant(Type type, uint64_t value) {
  Instr instr{.op = Op::constant, .type = type};
  instr.imm = value & mask(type);
  return append_unless_known(instr);
}

Value Emitter::vconstant(Vec128 value) {
  auto& vectors = unit_.vectors;
  const auto found = std::find(vectors.begin(), vectors.end(), value);
  Instr instr{.op = Op::vconstant, .type = Type::v128};
  instr.imm = static_cast<uint64_t>(found - vectors.begin());
  if (found == vectors.end()) vectors.push_back(value);
  return append_unless_known(instr);
}

uint64_t Emitter::helper_index(const Helper& helper) {
  auto& helpers = unit_.helpers;
  const auto found = std::find(helpers.begin(), helpers.end(), &helper);
  const auto index = static_cast<uint64_t>(found - helpers.begin());
  if (found == helpers.end()) helpers.push_back(&helper);
  return index;
}

Value Emitter::emit(Op op, Type type, Value a, Value b, Value c, uint64_t imm) {
  Instr instr{.op = op, .type = type};
  instr.arg[0] = a, instr.arg[1] = b, instr.arg[2] = c;
  instr.imm = imm;
  return emit(instr);
}

Value Emitter::emit(Instr& instr) {
  if (has(instr.op, Trait::pure)) {
    if (has(instr.op, Trait::commutative)) order_operands(*this, instr);
    const Value simpler = simplify(*this, instr);
    return simpler != no_value ? simpler : append_unless_known(instr);
  }
  switch (instr.op) {
    case Op::nop: return no_value;
    case Op::get: return get(static_cast<SlotId>(instr.imm));
    case Op::set:
      append(instr);
      note_set(static_cast<SlotId>(instr.imm), instr.arg[0]);
      if (instr.imm == unit_.layout->pc) pc_insn_ = no_value;
      return no_value;
    case Op::insn: insn(instr.imm); return no_value;
    case Op::call: return call(instr);
    case Op::exit_if:
      if (is_constant(instr.arg[0], 0)) return no_value;
      append(instr);
      return no_value;
    case Op::branch: branch(instr); return no_value;
    default: break;
  }
  const Value value = append(instr);
  return result_type(unit_, instr) == Type::none ? no_value : value;
}

Value Emitter::get(SlotId slot) {
  const Known known = slots_[slot];
  if (known.period == period_) return known.value;
  const Type type = unit_.layout->slots[slot].type;
  const bool from_insn = slot == unit_.layout->pc && pc_insn_ != no_value;
  const Value value = from_insn ? constant(type, at(pc_insn_).imm) : append({.op = Op::get, .type = type, .imm = slot});
  note_set(slot, value);
  return value;
}

void Emitter::insn(uint64_t pc) {
  pc_insn_ = append({.op = Op::insn, .imm = pc});
  slots_[unit_.layout->pc].period = 0;
}

bool Emitter::holds(SlotId slot, Value value) const {
  return slots_[slot].period == period_ && slots_[slot].value == value;
}

Value Emitter::call(const Instr& instr) {
  const Helper& helper = *unit_.helpers[instr.imm];
  if (helper.effect == HelperEffect::pure) return append_unless_known(instr);
  const Value value = append(instr);
  if (helper.effect != HelperEffect::reads_state) {
    forget_slots();
    pc_insn_ = no_value;
  }
  return instr.type == Type::none ? no_value : value;
}

void Emitter::branch(Instr& instr) {
  const Instr& condition = at(instr.arg[0]);
  const bool decided = condition.op == Op::constant || instr.target[0] == instr.target[1];
  if (decided) {
    const BlockId target = instr.target[condition.op == Op::constant && condition.imm == 0 ? 1 : 0];
    instr = {.op = Op::jump, .target = {target, 0}};
  } else if (condition.op == Op::xor_ && is_constant(condition.arg[1], 1)) {  // not x ? a : b
    instr.arg[0] = condition.arg[0];
    std::swap(instr.target[0], instr.target[1]);
  }
  append(instr);
}

}  // namespace strata::ir

// Segment registers: MOV PUSH POP, LDS LES LSS LFS LGS; and BOUND, which stands among them.
#include "isa/x86/system/helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

Value selector_of(Translator& t, SegmentName name) { return t.b.get(segment_selector_slot(name)); }

/// Gives whether the mode has changed. MOV and POP to SS hold back interrupts and debug traps until behind the next
/// instruction (SDM vol. 3, 6.8.3).
Value load_segment(Translator& t, SegmentName name, Value selector, bool may_shadow) {
  const Value changed = t.call(helpers::load_segment, {t.b.i8(name), selector});
  if (name == ss && may_shadow) t.b.set(slot_interrupt_shadow, t.b.i8(2));
  return changed;
}

/// Mostly a flat segment follows another, and the unit goes on.
void end_if(Translator& t, Value changed, SegmentName name) {
  if (name == ss || t.mode.one_by_one()) return t.end_after_this();
  const ir::BlockId out = t.b.new_block(), on = t.b.new_block();
  t.b.branch(t.b.trunc(Type::i1, changed), out, on);
  t.b.begin(out);
  t.end_after_this();
  t.b.begin(on);
}

bool mov_from_segment(Translator& t) {
  if (t.insn.reg >= segment_count) return false;
  const Value selector = selector_of(t, static_cast<SegmentName>(t.insn.reg));
  if (!t.insn.is_register_form()) return t.store_rm(selector), true;
  return t.store_rm(t.b.zext(ir::integer_type(t.insn.operand_bits), selector)), true;
}

bool mov_to_segment(Translator& t) {
  if (t.insn.reg >= segment_count || t.insn.reg == cs) return false;
  const auto name = static_cast<SegmentName>(t.insn.reg);
  end_if(t, load_segment(t, name, t.load_rm(16), true), name);
  return true;
}

/// The segment register of a PUSH or POP: bits 3..5 of the opcode, in both maps.
SegmentName segment_in_opcode(const Insn& insn) { return static_cast<SegmentName>(insn.opcode >> 3 & 7); }

void push_segment(Translator& t) {
  const Value selector = selector_of(t, segment_in_opcode(t.insn));
  t.push(t.b.zext(ir::integer_type(t.stack_operand_bits()), selector));
}

void pop_segment(Translator& t) {
  const unsigned bits = t.stack_operand_bits();
  const Value pointer = t.stack_pointer();
  const Value value = t.load(ir::integer_type(bits), t.stack_address(pointer, bits / 8, false));
  const SegmentName name = segment_in_opcode(t.insn);
  const Value changed = load_segment(t, name, t.b.trunc(Type::i16, value), true);
  t.set_stack_pointer(t.b.add(pointer, t.b.i64(bits / 8)));
  end_if(t, changed, name);
}

/// LES LDS LSS LFS LGS.
bool load_far_pointer(Translator& t, SegmentName name) {
  if (t.insn.is_register_form()) return false;
  const unsigned size = t.insn.operand_bits / 8;
  const Value address = t.memory_address(size + 2);
  const Value offset = t.load(ir::integer_type(t.insn.operand_bits), address);
  const Value selector = t.load(Type::i16, t.b.add(address, t.b.i64(size)));
  const Value changed = load_segment(t, name, selector, false);
  t.set_gpr(t.insn.reg_number(), offset);
  end_if(t, changed, name);
  return true;
}

bool bound(Translator& t) {
  if (t.insn.is_register_form()) return false;
  const unsigned bits = t.insn.operand_bits;
  const Type type = ir::integer_type(bits);
  const Value address = t.memory_address(bits / 4);
  const Value lower = t.load(type, address), upper = t.load(type, t.b.add(address, t.b.i64(bits / 8)));
  const Value index = t.gpr(t.insn.reg_number(), bits);
  t.raise_if(t.b.or_(t.b.lt_s(index, lower), t.b.lt_s(upper, index)), vector_br);
  return true;
}

bool in_map_0f(Translator& t) {
  switch (t.insn.opcode) {
    case 0xb2: return load_far_pointer(t, ss);
    case 0xb4: return load_far_pointer(t, fs);
    case 0xb5: return load_far_pointer(t, gs);
    case 0xa0:
    case 0xa8: return push_segment(t), true;
    default: return pop_segment(t), true;
  }
}

}  // namespace

bool translate_segment(Translator& t) {
  if (t.insn.map == Map::map_0f) return in_map_0f(t);
  switch (t.insn.opcode) {
    case 0x62: return bound(t);
    case 0x8c: return mov_from_segment(t);
    case 0x8e: return mov_to_segment(t);
    case 0xc4: return load_far_pointer(t, es);
    case 0xc5: return load_far_pointer(t, ds);
    case 0x06:
    case 0x0e:
    case 0x16:
    case 0x1e: return push_segment(t), true;
    default: return pop_segment(t), true;
  }
}

}  // namespace strata::isa::x86

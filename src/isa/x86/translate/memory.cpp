// The translator's tools for memory: effective and linear addresses, limits, operands and the stack.
#include "isa/x86/helpers/segment_check.h"
#include "isa/x86/translate/translator.h"

namespace strata::isa::x86 {

Value Translator::cut_address(Value offset, unsigned bits) {
  if (bits == 64) return offset;
  return b.and_(offset, b.i64(bits == 32 ? 0xffff'ffff : 0xffff));
}

Value Translator::effective_address() {
  if (insn.rip_relative) {
    const uint64_t address = next_pc() + static_cast<uint64_t>(insn.displacement);
    return cut_address(pc_value(address), insn.address_bits);
  }
  // The displacement last: then one sum serves all that is reached from it.
  Value sum = insn.has_base ? b.get(gpr_slot(insn.base)) : b.i64(0);
  if (insn.has_index) sum = b.add(sum, b.shl(b.get(gpr_slot(insn.index)), b.i8(insn.scale)));
  return cut_address(b.add(sum, b.i64(static_cast<uint64_t>(insn.displacement))), insn.address_bits);
}

SegmentName Translator::data_segment(SegmentName default_segment) const {
  return insn.segment_override == no_segment ? default_segment : insn.segment_override;
}

Value Translator::memory_address(unsigned size, bool write) {
  if (address_ != ir::no_value && (address_for_write_ || !write)) return address_;
  const bool by_stack_register = insn.has_base && (insn.base == rsp || insn.base == rbp);
  address_ = linear(data_segment(by_stack_register ? ss : ds), effective_address(), size, write);
  address_for_write_ = write;
  if (mode.alignment_check && (size == 2 || size == 4 || size == 8))
    raise_if(b.ne(b.and_(address_, b.i64(size - 1)), b.i64(0)), vector_ac, 0);
  return address_;
}

bool Translator::always_reachable(SegmentName segment, bool write) const {
  if (mode.code_bits == 64) return true;
  switch (segment) {
    case ss: return mode.flat_stack;
    case cs: return mode.flat_code && !write;
    case fs: return mode.open_fs;
    case gs: return mode.open_gs;
    default: return mode.flat_data;
  }
}

void Translator::check_limit(SegmentName segment, Value offset, unsigned size, bool write) {
  const Vector vector = segment == ss ? vector_ss : vector_gp;
  if (mode.protected_ && !mode.vm86) {
    const Value refused = call(helpers::segment_refuses, {b.i8(segment), offset, b.i16(size), b.i8(write)});
    return raise_if(refused, vector, 0);
  }
  const Value last = b.add(offset, b.i64(size - 1));
  raise_if(b.lt_u(b.zext(Type::i64, b.get(segment_limit_slot(segment))), last), vector, 0);
}

Value Translator::linear(SegmentName segment, Value offset, unsigned size, bool write) {
  const bool based = segment == fs || segment == gs;
  if (mode.code_bits == 64) return based ? b.add(b.get(segment_base_slot(segment)), offset) : offset;
  if (!always_reachable(segment, write)) check_limit(segment, offset, size, write);
  else if (!based) return offset;
  return cut_address(b.add(b.get(segment_base_slot(segment)), offset), 32);
}

Value Translator::load_rm(unsigned bits, bool then_written) {
  if (insn.is_register_form()) return gpr(insn.rm_number(), bits);
  return load(ir::integer_type(bits), memory_address(bits / 8, then_written));
}

void Translator::store_rm(Value value) {
  if (insn.is_register_form()) return set_gpr(insn.rm_number(), value);
  store(memory_address(ir::bytes(b.type_of(value)), true), value);
}

Value Translator::load(Type type, Value address) { return b.load(type, address, mode.data_space()); }

void Translator::store(Value address, Value value) { b.store(address, value, mode.data_space()); }

Value Translator::stack_pointer() { return cut_address(b.get(gpr_slot(rsp)), stack_bits()); }

void Translator::set_stack_pointer(Value pointer) {
  if (stack_bits() == 16) return set_gpr(rsp, b.trunc(Type::i16, pointer));
  b.set(gpr_slot(rsp), cut_address(pointer, stack_bits()));
}

Value Translator::stack_address(Value pointer, unsigned size, bool write) {
  const Value address = linear(ss, cut_address(pointer, stack_bits()), size, write);
  if (mode.alignment_check) raise_if(b.ne(b.and_(address, b.i64(size - 1)), b.i64(0)), vector_ac, 0);
  return address;
}

void Translator::push(Value value) {
  const unsigned size = ir::bytes(b.type_of(value));
  const Value pointer = b.sub(stack_pointer(), b.i64(size));
  store(stack_address(pointer, size, true), value);
  set_stack_pointer(pointer);
}

Value Translator::pop(unsigned bits) {
  const Value pointer = stack_pointer();
  const Value value = load(ir::integer_type(bits), stack_address(pointer, bits / 8, false));
  set_stack_pointer(b.add(pointer, b.i64(bits / 8)));
  return value;
}

}  // namespace strata::isa::x86

// Operands of SSE instructions, and the frame around floating-point arithmetic.
#include "isa/x86/helpers/sse.h"
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {

namespace {

ir::SlotId nth(ir::SlotId first, uint8_t number) { return static_cast<ir::SlotId>(first + (number & 7)); }

}  // namespace

/// REX does not count.
Value mmx_register(Translator& t, uint8_t number) { return t.b.get(nth(slot_mmx, number)); }

/// Sign and exponent become all ones.
void set_mmx_register(Translator& t, uint8_t number, Value value) {
  t.b.set(nth(slot_mmx, number), value);
  t.b.set(nth(slot_mmx_exponent, number), t.b.i16(0xffff));
}

Value destination(Translator& t) {
  return is_mmx(t) ? zext_lane(t, mmx_register(t, t.insn.reg)) : t.b.get(xmm_slot(t.insn.reg_number()));
}

void set_destination(Translator& t, Value value) {
  if (is_mmx(t)) return set_mmx_register(t, t.insn.reg, extract(t, value, Lane::i64, 0));
  t.b.set(xmm_slot(t.insn.reg_number()), value);
}

void set_source_register(Translator& t, Value value) {
  if (is_mmx(t)) return set_mmx_register(t, t.insn.rm, extract(t, value, Lane::i64, 0));
  t.b.set(xmm_slot(t.insn.rm_number()), value);
}

Value aligned_address(Translator& t, bool write) {
  const Value address = t.memory_address(16, write);
  t.raise_if(t.b.ne(t.b.and_(address, t.b.i64(15)), t.b.i64(0)), vector_gp, 0);
  return address;
}

Value source(Translator& t) {
  if (is_mmx(t)) return t.insn.is_register_form() ? zext_lane(t, mmx_register(t, t.insn.rm)) : source_low(t, 8);
  if (t.insn.is_register_form()) return t.b.get(xmm_slot(t.insn.rm_number()));
  return t.load(Type::v128, aligned_address(t, false));
}

Value source_unaligned(Translator& t) {
  if (t.insn.is_register_form()) return t.b.get(xmm_slot(t.insn.rm_number()));
  return t.load(Type::v128, t.memory_address(16));
}

Value source_scalar(Translator& t, Lane lane) {
  if (t.insn.is_register_form()) return extract(t, t.b.get(xmm_slot(t.insn.rm_number())), lane, 0);
  return t.load(ir::lane_type(lane), t.memory_address(ir::lane_bits(lane) / 8));
}

Value source_low(Translator& t, unsigned size) {
  if (t.insn.is_register_form() || size == 16) return source(t);
  const Value low = t.load(ir::integer_type(size * 8), t.memory_address(size));
  return zext_lane(t, size < 4 ? t.b.zext(Type::i32, low) : low);
}

Value vector(Translator& t, Op op, Lane lane, Value a, Value b, uint64_t imm) {
  if (b == ir::no_value) return t.b.emit(op, Type::v128, {a}, imm, lane);
  return t.b.emit(op, Type::v128, {a, b}, imm, lane);
}

Value extract(Translator& t, Value vector, Lane lane, unsigned index) {
  return t.b.emit(Op::vextract, ir::lane_type(lane), {vector}, index, lane);
}

Value insert(Translator& t, Value vector, Lane lane, unsigned index, Value scalar) {
  return t.b.emit(Op::vinsert, Type::v128, {vector, scalar}, index, lane);
}

Value zext_lane(Translator& t, Value scalar) { return t.b.emit(Op::vzext, Type::v128, {scalar}); }

Value vector_op(Translator& t, const Row& row, Value a, Value b) { return vector(t, row.op, row.lane, a, b); }

Operands narrowed_operands(Translator& t) {
  const Value b = source(t), a = destination(t);
  if (!is_mmx(t)) return {a, b};
  const Value both = vector(t, Op::vunpack_lo, Lane::i64, a, b);
  return {both, both};
}

void emit_unary(Translator& t, const Row& row) { set_destination(t, vector_op(t, row, source(t), ir::no_value)); }

void emit_binary(Translator& t, const Row& row) { set_destination(t, vector_op(t, row, destination(t), source(t))); }

Lane float_lane(const Translator& t) {
  return t.insn.simd_prefix == 0x66 || t.insn.simd_prefix == 0xf2 ? Lane::f64 : Lane::f32;
}

bool is_scalar_form(const Translator& t) { return t.insn.simd_prefix == 0xf3 || t.insn.simd_prefix == 0xf2; }

FloatScope::FloatScope(Translator& t) : t_(t) {
  if (t.mode.float_traps) t.call(helpers::float_begin, {});
}

void FloatScope::end(std::initializer_list<Value> results, Lane lane) {
  if (!t_.mode.float_traps) return;
  const Value width = t_.b.i8(ir::lane_bits(lane));
  for (const Value result : results) {
    const bool scalar = t_.b.type_of(result) != Type::v128;
    t_.call(helpers::float_look_for_tiny, {scalar ? zext_lane(t_, result) : result, width});
  }
  t_.call(helpers::float_end, {});
}

}  // namespace strata::isa::x86::sse

// SHL SHR SAR ROL ROR RCL RCR SHLD SHRD.
//
// The count is taken modulo 32, or 64 for 64-bit operands; a count of 0 leaves the flags alone. What the manuals leave
// undefined is as measured on AMD Zen 5: AF is set by the shifts; OF follows for every count the rule that the manuals
// give for a count of 1. (Intel clears AF.)
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

using ir::Flag;

/// In the order of group 2's reg field; 6 is SHL again.
enum Shift : uint8_t { rol, ror, rcl, rcr, shl, shr, sal, sar };

struct Result {
  Value value, carry, overflow;  ///< the flags are i1
};

/// What a shift works with. Narrow operands are shifted in 32 bits, so that counts up to 31 need no care.
struct Operand {
  Translator& t;
  unsigned bits;
  Value value;  ///< of `bits`
  Value count;  ///< i8, masked

  ir::Builder& b() const { return t.b; }
  Type type() const { return ir::integer_type(bits); }
  unsigned wide() const { return bits < 32 ? 32 : bits; }
  Type wide_type() const { return ir::integer_type(wide()); }
  Value count_minus(unsigned n) const { return b().sub(count, b().i8(n)); }
  Value count_from(unsigned n) const { return b().sub(b().i8(n), count); }
  /// A bit of a value, as i1.
  Value bit(Value from, unsigned number) const { return b().trunc(Type::i1, b().shr(from, b().i8(number))); }
  Value low_bit(Value from) const { return b().trunc(Type::i1, from); }
  Value top(Value from) const { return bit(from, bits - 1); }
  Value below_top(Value from) const { return bit(from, bits - 2); }
  Value cut(Value from) const { return b().trunc(type(), from); }
};

Result shift_left(const Operand& o) {
  const Value wide = o.b().zext(o.wide_type(), o.value);
  const Value value = o.cut(o.b().shl(wide, o.count));
  const Value carry = o.low_bit(o.b().shr(wide, o.count_from(o.bits)));
  return {value, carry, o.b().xor_(o.top(value), carry)};
}

Result shift_right(const Operand& o) {
  const Value wide = o.b().zext(o.wide_type(), o.value);
  const Value value = o.cut(o.b().shr(wide, o.count));
  const Value carry = o.low_bit(o.b().shr(wide, o.count_minus(1)));
  return {value, carry, o.b().xor_(o.top(value), o.below_top(value))};
}

Result shift_arithmetic(const Operand& o) {
  const Value wide = o.b().sext(o.wide_type(), o.value);
  const Value value = o.cut(o.b().sar(wide, o.count));
  return {value, o.low_bit(o.b().sar(wide, o.count_minus(1))), o.b().i1(false)};
}

Result rotate_left(const Operand& o) {
  const Value value = o.b().rotl(o.value, o.count);
  const Value carry = o.low_bit(value);
  return {value, carry, o.b().xor_(o.top(value), carry)};
}

Result rotate_right(const Operand& o) {
  const Value value = o.b().rotr(o.value, o.count);
  const Value carry = o.top(value);
  return {value, carry, o.b().xor_(carry, o.below_top(value))};
}

/// RCL and RCR of 8 to 32 bits: the operand with the carry above it, rotated in 64 bits.
Result rotate_through_carry(const Operand& o, bool left) {
  ir::Builder& b = o.b();
  const unsigned width = o.bits + 1;
  const Value count = o.bits == 32 ? o.count : b.binary(Op::rem_u, o.count, b.i8(width));
  const Value carry = b.shl(b.zext(Type::i64, o.t.carry()), b.i8(o.bits));
  const Value wide = b.or_(b.zext(Type::i64, o.value), carry);
  const Value back = b.sub(b.i8(width), count);
  const Value turned =
      left ? b.or_(b.shl(wide, count), b.shr(wide, back)) : b.or_(b.shr(wide, count), b.shl(wide, back));
  const Value value = o.cut(turned), carry_out = o.bit(turned, o.bits);
  return {value, carry_out, b.xor_(o.top(value), left ? carry_out : o.below_top(value))};
}

/// The same for 64 bits, where there is no room above; the count is not 0 or the result is not used.
Result rotate_64_through_carry(const Operand& o, bool left) {
  ir::Builder& b = o.b();
  const Value a = o.value, c = o.count, carry = b.zext(Type::i64, o.t.carry());
  const Value back = o.count_from(64);
  Value value{}, carry_out{};
  if (left) {
    value = b.or_(b.or_(b.shl(a, c), b.shl(carry, o.count_minus(1))), b.shr(b.shr(a, b.i8(1)), back));
    carry_out = o.low_bit(b.shr(a, back));
  } else {
    value = b.or_(b.or_(b.shr(a, c), b.shl(carry, back)), b.shl(b.shl(a, b.i8(1)), back));
    carry_out = o.low_bit(b.shr(a, o.count_minus(1)));
  }
  value = b.select(b.eq(c, b.i8(0)), a, value);
  return {value, carry_out, b.xor_(o.top(value), left ? carry_out : o.below_top(value))};
}

Result compute(const Operand& o, Shift shift) {
  switch (shift) {
    case rol: return rotate_left(o);
    case ror: return rotate_right(o);
    case rcl:
    case rcr: return o.bits == 64 ? rotate_64_through_carry(o, shift == rcl) : rotate_through_carry(o, shift == rcl);
    case shr: return shift_right(o);
    case sar: return shift_arithmetic(o);
    case shl:
    case sal: break;
  }
  return shift_left(o);
}

/// CF and OF in their places.
Value carry_and_overflow(ir::Builder& b, const Result& result) {
  return b.or_(b.zext(Type::i32, result.carry), b.shl(b.zext(Type::i32, result.overflow), b.i8(11)));
}

void set_flags(const Operand& o, const Result& result, bool rotation) {
  ir::Builder& b = o.b();
  const Value old = o.t.flags();
  Value fresh = old;
  if (!rotation) fresh = b.flags_merge(b.flags(Op::flags_logic, result.value), b.i32(Flag::half), Flag::half);
  fresh = b.flags_merge(fresh, carry_and_overflow(b, result), Flag::carry | Flag::overflow);
  o.t.set_flags(b.select(b.eq(o.count, b.i8(0)), old, fresh));
}

Value masked_count(Translator& t, Value count, unsigned bits) { return t.b.and_(count, t.b.i8(bits == 64 ? 63 : 31)); }

/// C0 C1 D0 to D3.
void group_2(Translator& t) {
  const unsigned bits = t.insn.opcode & 1 ? t.insn.operand_bits : 8;
  const auto shift = static_cast<Shift>(t.insn.reg);
  Value count = t.b.i8(1);
  if (t.insn.opcode < 0xd0) count = t.immediate(8);
  else if (t.insn.opcode >= 0xd2) count = t.b.trunc(Type::i8, t.b.get(gpr_slot(rcx)));
  const Operand o{t, bits, t.load_rm(bits, true), masked_count(t, count, bits)};
  const Result result = compute(o, shift);
  t.store_rm(result.value);
  set_flags(o, result, shift <= rcr);
}

/// Counts over 16 of 16-bit operands are undefined; Zen 5 goes on with the source behind itself, and no carry.
Result shift_left_double(const Operand& o, Value source) {
  ir::Builder& b = o.b();
  if (o.bits == 64) {
    const Value in = b.shr(b.shr(source, b.i8(1)), o.count_from(63));
    const Value value = b.or_(b.shl(o.value, o.count), in);
    const Value carry = o.low_bit(b.shr(o.value, o.count_from(64)));
    return {value, carry, b.xor_(o.top(value), carry)};
  }
  const Value wide = b.zext(Type::i64, o.value), low = b.zext(Type::i64, source);
  const Value behind = o.bits == 32 ? low : b.or_(b.shl(low, b.i8(16)), low);
  const Value value = o.cut(b.shr(b.shl(b.or_(b.shl(wide, b.i8(32)), behind), o.count), b.i8(32)));
  const Value alone = b.shl(wide, o.count);
  const Value carry = o.bit(alone, o.bits);
  return {value, carry, b.xor_(carry, o.top(alone))};
}

Result shift_right_double(const Operand& o, Value source) {
  ir::Builder& b = o.b();
  Value value{};
  if (o.bits == 64) {
    value = b.or_(b.shr(o.value, o.count), b.shl(b.shl(source, b.i8(1)), o.count_from(63)));
  } else {
    const Value wide = b.zext(Type::i64, source);
    Value joined = b.or_(b.shl(wide, b.i8(o.bits)), b.zext(Type::i64, o.value));
    if (o.bits == 16) joined = b.or_(joined, b.shl(wide, b.i8(32)));
    value = o.cut(b.shr(joined, o.count));
  }
  const Value carry = o.low_bit(b.shr(b.zext(o.wide_type(), o.value), o.count_minus(1)));
  return {value, carry, b.xor_(o.top(value), o.below_top(value))};
}

/// 0F A4 A5 AC AD.
void shift_double(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  const Value count = t.insn.opcode & 1 ? t.b.trunc(Type::i8, t.b.get(gpr_slot(rcx))) : t.immediate(8);
  const Operand o{t, bits, t.load_rm(bits, true), masked_count(t, count, bits)};
  const Value source = t.gpr(t.insn.reg_number(), bits);
  const Result result = t.insn.opcode & 8 ? shift_right_double(o, source) : shift_left_double(o, source);
  t.store_rm(result.value);
  set_flags(o, result, false);
}

}  // namespace

bool translate_shift(Translator& t) {
  if (t.insn.map == Map::primary) group_2(t);
  else shift_double(t);
  return true;
}

}  // namespace strata::isa::x86

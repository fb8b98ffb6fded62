// BMI1: ANDN BEXTR BLSR BLSMSK BLSI. BMI2: BZHI PDEP PEXT MULX RORX SARX SHLX SHRX. ADX: ADCX ADOX.
//
// Undefined flags as measured on AMD Zen 5: AF is clear and PF is the result's, but BEXTR sets AF and clears SF.
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

using ir::Flag;

unsigned bits_of(const Translator& t) { return t.insn.operand_bits; }
Value vex_register(Translator& t) { return t.gpr(t.insn.vex_register, bits_of(t)); }
void set_destination(Translator& t, Value value) { t.set_gpr(t.insn.reg_number(), value); }

/// SF ZF PF of the result, CF as given, AF and OF clear.
void set_flags(Translator& t, Value result, Value carry) {
  t.set_flags(t.b.flags_merge(t.b.flags(Op::flags_logic, result), t.b.zext(Type::i32, carry), Flag::carry));
}

void andn(Translator& t) {
  const Value result = t.b.and_(t.b.not_(vex_register(t)), t.load_rm(bits_of(t)));
  set_destination(t, result);
  set_flags(t, result, t.b.i1(false));
}

/// Group 17: BLSR, BLSMSK, BLSI; the destination is VEX.vvvv.
bool lowest_bit(Translator& t) {
  ir::Builder& b = t.b;
  const unsigned kind = t.insn.reg;
  if (kind < 1 || kind > 3) return false;
  const Value source = t.load_rm(bits_of(t));
  const Type type = b.type_of(source);
  const Value less = b.sub(source, b.constant(type, 1)), zero = b.eq(source, b.constant(type, 0));
  const Value result = kind == 1   ? b.and_(source, less)
                       : kind == 2 ? b.xor_(source, less)
                                   : b.and_(source, b.neg(source));
  t.set_gpr(t.insn.vex_register, result);
  set_flags(t, result, kind == 3 ? b.not_(zero) : zero);
  return true;
}

void bzhi(Translator& t) {
  ir::Builder& b = t.b;
  const unsigned bits = bits_of(t);
  const Value source = t.load_rm(bits);
  const Type type = b.type_of(source);
  const Value index = b.trunc(Type::i8, vex_register(t));
  const Value beyond = b.not_(b.lt_u(index, b.i8(bits)));
  const Value mask = b.sub(b.shl(b.constant(type, 1), index), b.constant(type, 1));
  const Value result = b.select(beyond, source, b.and_(source, mask));
  set_destination(t, result);
  set_flags(t, result, beyond);
}

void bextr(Translator& t) {
  ir::Builder& b = t.b;
  const unsigned bits = bits_of(t);
  const Value source = t.load_rm(bits), control = vex_register(t);
  const Type type = b.type_of(source);
  const Value start = b.trunc(Type::i8, control), length = b.trunc(Type::i8, b.shr(control, b.i8(8)));
  const Value zero = b.constant(type, 0), one = b.constant(type, 1);
  const Value field = b.select(b.lt_u(start, b.i8(bits)), b.shr(source, start), zero);
  const Value mask = b.sub(b.shl(one, length), one);
  const Value result = b.select(b.lt_u(length, b.i8(bits)), b.and_(field, mask), field);
  set_destination(t, result);
  t.set_flags(b.flags_merge(b.flags(Op::flags_logic, result), b.i32(Flag::half), Flag::half | Flag::sign));
}

/// PDEP and PEXT.
void move_bits(Translator& t, Op op) {
  const Value source = vex_register(t);
  set_destination(t, t.b.binary(op, source, t.load_rm(bits_of(t))));
}

/// Where both destinations are the same register, it gets the high half.
void mulx(Translator& t) {
  ir::Builder& b = t.b;
  const unsigned bits = bits_of(t);
  const Value a = t.gpr(rdx, bits), c = t.load_rm(bits);
  const Value low = b.mul(a, c), high = b.binary(Op::mulhi_u, a, c);
  t.set_gpr(t.insn.vex_register, low);
  set_destination(t, high);
}

void shift(Translator& t, Op op) {
  const Value count = t.b.trunc(Type::i8, vex_register(t));
  set_destination(t, t.b.binary(op, t.load_rm(bits_of(t)), count));
}

bool rorx(Translator& t) {
  if (t.insn.simd_prefix != 0xf2 || t.insn.vex_register != 0) return false;
  set_destination(t, t.b.rotr(t.load_rm(bits_of(t)), t.immediate(8)));
  return true;
}

/// ADCX with 66 carries through CF, ADOX with F3 through OF.
bool add_with_one_flag(Translator& t) {
  ir::Builder& b = t.b;
  const bool through_carry = t.insn.simd_prefix == 0x66;
  if (!through_carry && t.insn.simd_prefix != 0xf3) return false;
  const unsigned bits = t.insn.rex_w ? 64 : 32;
  const Value carry = b.cond(through_carry ? ir::Cond::c : ir::Cond::o, t.flags());
  const Value a = t.gpr(t.insn.reg_number(), bits), c = t.load_rm(bits);
  const Value sum = b.with_carry(Op::adc, a, c, carry);
  const Value flag = b.zext(Type::i32, b.with_carry(Op::carry_adc, a, c, carry));
  set_destination(t, sum);
  if (through_carry) t.set_flags(flag, Flag::carry);
  else t.set_flags(b.shl(flag, b.i8(11)), Flag::overflow);
  return true;
}

bool vex_0f38(Translator& t) {
  const uint8_t prefix = t.insn.simd_prefix;
  switch (t.insn.opcode) {
    case 0xf2: return prefix == 0 && (andn(t), true);
    case 0xf3: return prefix == 0 && lowest_bit(t);
    case 0xf5:
      if (prefix == 0) return bzhi(t), true;
      if (prefix == 0x66) return false;
      return move_bits(t, prefix == 0xf3 ? Op::gather_bits : Op::scatter_bits), true;
    case 0xf6: return prefix == 0xf2 && (mulx(t), true);
    case 0xf7:
      if (prefix == 0) return bextr(t), true;
      return shift(t, prefix == 0x66 ? Op::shl : prefix == 0xf3 ? Op::sar : Op::shr), true;
    default: return false;
  }
}

}  // namespace

bool translate_bmi(Translator& t) {
  if (t.insn.vex == Vex::none) return add_with_one_flag(t);
  if (t.insn.vex_256) return false;
  return t.insn.map == Map::map_0f3a ? rorx(t) : vex_0f38(t);
}

}  // namespace strata::isa::x86

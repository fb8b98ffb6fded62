// MUL IMUL DIV IDIV.
//
// Flags that the manuals leave undefined, as measured on AMD Zen 5: MUL and IMUL leave SF ZF AF PF alone (Intel sets
// SF and PF by the low half); DIV and IDIV clear SF ZF PF, set AF and leave CF and OF alone.
#include "isa/x86/helpers/divide.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

using ir::Flag;

struct Product {
  Value low, high, overflow;  ///< overflow: the high half says more than the low one, i1
};

/// A full product. Up to 32 bits it is made in twice the width.
Product multiply(Translator& t, Value a, Value c, bool is_signed) {
  ir::Builder& b = t.b;
  const Type type = b.type_of(a);
  const unsigned bits = ir::bits(type);
  Value low{}, high{};
  if (bits == 64) {
    low = b.mul(a, c);
    high = b.binary(is_signed ? Op::mulhi_s : Op::mulhi_u, a, c);
  } else {
    const Type twice = ir::integer_type(2 * bits);
    const auto widen = [&](Value v) { return is_signed ? b.sext(twice, v) : b.zext(twice, v); };
    const Value product = b.mul(widen(a), widen(c));
    low = b.trunc(type, product);
    high = b.trunc(type, b.shr(product, b.i8(bits)));
  }
  const Value expected = is_signed ? b.sar(low, b.i8(bits - 1)) : b.constant(type, 0);
  return {low, high, b.ne(high, expected)};
}

void set_flags(Translator& t, Value overflow) {
  const Value both = t.b.select(overflow, t.b.i32(Flag::carry | Flag::overflow), t.b.i32(0));
  t.set_flags(both, Flag::carry | Flag::overflow);
}

/// The double-width accumulator of byte forms is AX, of the others rDX:rAX.
void set_double(Translator& t, Value low, Value high) {
  if (t.b.type_of(low) != Type::i8) {
    t.set_gpr(rax, low);
    t.set_gpr(rdx, high);
    return;
  }
  const Value both = t.b.or_(t.b.zext(Type::i16, low), t.b.shl(t.b.zext(Type::i16, high), t.b.i8(8)));
  t.set_gpr(rax, both);
}

void multiply_accumulator(Translator& t, unsigned bits, bool is_signed) {
  const Product product = multiply(t, t.gpr(rax, bits), t.load_rm(bits), is_signed);
  set_double(t, product.low, product.high);
  set_flags(t, product.overflow);
}

/// IMUL with two and three operands.
void imul(Translator& t, Value a, Value c) {
  const Product product = multiply(t, a, c, true);
  t.set_gpr(t.insn.reg_number(), product.low);
  set_flags(t, product.overflow);
}

void flags_of_division(Translator& t) {
  t.set_flags(t.b.i32(Flag::half), Flag::sign | Flag::zero | Flag::half | Flag::parity);
}

/// Up to 32 bits, where the dividend fits in an integer of twice the width.
void divide_narrow(Translator& t, unsigned bits, bool is_signed) {
  ir::Builder& b = t.b;
  const Type type = ir::integer_type(bits), twice = ir::integer_type(2 * bits);
  const auto widen = [&](Value v) { return is_signed ? b.sext(twice, v) : b.zext(twice, v); };
  const Value divisor = t.load_rm(bits);
  const Value dividend =
      bits == 8 ? t.gpr(rax, 16)
                : b.or_(b.zext(twice, t.gpr(rax, bits)), b.shl(b.zext(twice, t.gpr(rdx, bits)), b.i8(bits)));
  t.raise_if(b.eq(divisor, b.constant(type, 0)), vector_de);
  const Value quotient = b.binary(is_signed ? Op::div_s : Op::div_u, dividend, widen(divisor));
  const Value low = b.trunc(type, quotient);
  t.raise_if(b.ne(quotient, widen(low)), vector_de);
  const Value remainder = b.binary(is_signed ? Op::rem_s : Op::rem_u, dividend, widen(divisor));
  set_double(t, low, b.trunc(type, remainder));
  flags_of_division(t);
}

/// Of 64 bits, where the upper half is known to be the lower one's extension, as behind XOR EDX, EDX and CQO.
void divide_extended(Translator& t, bool is_signed) {
  ir::Builder& b = t.b;
  const Value divisor = t.load_rm(64), dividend = b.get(gpr_slot(rax));
  t.raise_if(b.eq(divisor, b.i64(0)), vector_de);
  if (is_signed) {
    const Value lowest = b.eq(dividend, b.i64(uint64_t{1} << 63)), minus_one = b.eq(divisor, b.i64(~uint64_t{0}));
    t.raise_if(b.and_(lowest, minus_one), vector_de);
  }
  const Value quotient = b.binary(is_signed ? Op::div_s : Op::div_u, dividend, divisor);
  b.set(gpr_slot(rdx), b.sub(dividend, b.mul(quotient, divisor)));
  b.set(gpr_slot(rax), quotient);
}

bool is_extended(Translator& t, bool is_signed) {
  ir::Builder& b = t.b;
  const Value extension = is_signed ? b.sar(b.get(gpr_slot(rax)), b.i8(63)) : b.i64(0);
  uint64_t same = 0;
  return b.is_constant(b.eq(b.get(gpr_slot(rdx)), extension), &same) && same != 0;
}

void divide(Translator& t, unsigned bits, bool is_signed) {
  if (bits < 64) return divide_narrow(t, bits, is_signed);
  if (is_extended(t, is_signed)) divide_extended(t, is_signed);
  else t.call(is_signed ? helpers::divide_signed_128 : helpers::divide_unsigned_128, {t.load_rm(64)});
  flags_of_division(t);
}

}  // namespace

bool translate_muldiv(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  if (t.insn.map == Map::map_0f) {
    imul(t, t.gpr(t.insn.reg_number(), bits), t.load_rm(bits));
    return true;
  }
  if (t.insn.opcode < 0xf6) {
    imul(t, t.load_rm(bits), t.immediate(bits));
    return true;
  }
  const unsigned size = t.insn.opcode & 1 ? bits : 8;
  switch (t.insn.reg) {
    case 4: multiply_accumulator(t, size, false); return true;
    case 5: multiply_accumulator(t, size, true); return true;
    case 6: divide(t, size, false); return true;
    case 7: divide(t, size, true); return true;
    default: return false;
  }
}

}  // namespace strata::isa::x86

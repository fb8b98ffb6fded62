// CMPXCHG, CMPXCHG8B CMPXCHG16B, XADD.
#include "isa/x86/helpers/compare_exchange.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

/// A value in a register's place, as set_gpr would leave it.
Value in_register(ir::Builder& b, Value whole, Value part) {
  return ir::bits(b.type_of(part)) < 32 ? b.insert_low(whole, part) : b.zext(Type::i64, part);
}

/// What is not written, the accumulator where the comparison holds and else a register operand, keeps all its bits.
void exchange_register(Translator& t, Value equal, Value desired) {
  ir::Builder& b = t.b;
  const uint8_t number = t.insn.rm_number();
  if (b.type_of(desired) == Type::i8) return t.set_gpr(number, b.select(equal, desired, t.gpr(number, 8)));
  const Value whole = b.get(gpr_slot(number));
  b.set(gpr_slot(number), b.select(equal, in_register(b, whole, desired), whole));
}

void cmpxchg(Translator& t, unsigned bits) {
  ir::Builder& b = t.b;
  const Value expected = t.gpr(rax, bits), desired = t.gpr(t.insn.reg_number(), bits);
  Value old{}, equal{};
  if (t.insn.is_register_form()) {
    old = t.load_rm(bits);
    equal = b.eq(expected, old);
    exchange_register(t, equal, desired);
  } else {
    old = b.atomic_cas(t.memory_address(bits / 8, true), expected, desired, t.mode.data_space());
    equal = b.eq(expected, old);
  }
  const Value accumulator = b.get(gpr_slot(rax));
  if (bits == 8) t.set_gpr(rax, b.select(equal, t.gpr(rax, 8), old));
  else b.set(gpr_slot(rax), b.select(equal, accumulator, in_register(b, accumulator, old)));
  t.set_flags(b.flags(Op::flags_sub, expected, old));
}

void xadd(Translator& t, unsigned bits) {
  ir::Builder& b = t.b;
  const uint8_t number = t.insn.reg_number();
  const Value addend = t.gpr(number, bits);
  Value old{};
  if (t.insn.lock) {
    old = b.atomic(Op::atomic_add, t.memory_address(bits / 8, true), addend, t.mode.data_space());
    t.set_gpr(number, old);
  } else if (t.insn.is_register_form()) {  // the sum comes last: it stays where both are one register
    old = t.load_rm(bits);
    t.set_gpr(number, old);
    t.store_rm(b.add(old, addend));
  } else {
    old = t.load_rm(bits, true);
    t.store_rm(b.add(old, addend));
    t.set_gpr(number, old);
  }
  t.set_flags(b.flags(Op::flags_add, old, addend));
}

/// Only ZF tells.
void set_zero_flag(Translator& t, Value equal) {
  t.set_flags(t.b.select(equal, t.b.i32(ir::Flag::zero), t.b.i32(0)), ir::Flag::zero);
}

void cmpxchg8b(Translator& t) {
  ir::Builder& b = t.b;
  const auto pair = [&](uint8_t low, uint8_t high) {
    return b.or_(b.zext(Type::i64, t.gpr(low, 32)), b.shl(b.get(gpr_slot(high)), b.i8(32)));
  };
  const Value expected = pair(rax, rdx);
  const Value old = b.atomic_cas(t.memory_address(8, true), expected, pair(rbx, rcx), t.mode.data_space());
  const Value equal = b.eq(expected, old);
  const auto load_half = [&](uint8_t number, Value half) {
    b.set(gpr_slot(number), b.select(equal, b.get(gpr_slot(number)), half));
  };
  load_half(rax, b.zext(Type::i64, b.trunc(Type::i32, old)));
  load_half(rdx, b.shr(old, b.i8(32)));
  set_zero_flag(t, equal);
}

/// A load and a store, which comes always, as the processor does. That will do where one processor runs the guest, so
/// that nothing comes between.
void cmpxchg16b(Translator& t) {
  ir::Builder& b = t.b;
  const Value address = t.memory_address(16, true);
  t.raise_if(b.ne(b.and_(address, b.i64(15)), b.i64(0)), vector_gp, 0);
  if (t.cpuid.count > 1) {
    const Value done = t.call(helpers::compare_exchange_128, {address, b.i8(t.mode.data_space())});
    return set_zero_flag(t, b.ne(done, b.i8(0)));
  }
  const auto half = [&](Value vector, unsigned lane) {
    return b.emit(Op::vextract, Type::i64, {vector}, lane, ir::Lane::i64);
  };
  const Value old = t.load(Type::v128, address), low = half(old, 0), high = half(old, 1);
  const Value differs = b.or_(b.xor_(low, b.get(gpr_slot(rax))), b.xor_(high, b.get(gpr_slot(rdx))));
  const Value equal = b.eq(differs, b.i64(0));
  const Value new_low = b.select(equal, b.get(gpr_slot(rbx)), low);
  const Value new_high = b.select(equal, b.get(gpr_slot(rcx)), high);
  const Value vector = b.emit(Op::vzext, Type::v128, {new_low});
  t.store(address, b.emit(Op::vinsert, Type::v128, {vector, new_high}, 1, ir::Lane::i64));
  b.set(gpr_slot(rax), low);  // which it is already where they are equal
  b.set(gpr_slot(rdx), high);
  set_zero_flag(t, equal);
}

}  // namespace

bool translate_exchange(Translator& t) {
  const unsigned bits = t.insn.opcode & 1 ? t.insn.operand_bits : 8;
  switch (t.insn.opcode) {
    case 0xb0:
    case 0xb1: cmpxchg(t, bits); return true;
    case 0xc0:
    case 0xc1: xadd(t, bits); return true;
    default: break;
  }
  if (t.insn.reg != 1 || t.insn.is_register_form()) return false;
  if (t.insn.rex_w) cmpxchg16b(t);
  else cmpxchg8b(t);
  return true;
}

}  // namespace strata::isa::x86

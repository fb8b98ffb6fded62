// BT BTS BTR BTC BSF BSR LZCNT TZCNT POPCNT.
//
// Flags that the manuals leave undefined, as measured on AMD Zen 5: the bit tests change CF only (so does Intel); BSF
// and BSR give the flags of the index found (of 0 for none) besides ZF (Zen 3 leaves the others alone); LZCNT and TZCNT
// clear SF AF PF, keep OF.
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

using ir::Flag;

enum BitTest : uint8_t { bt, bts, btr, btc };  ///< as group 8's reg field has them, less 4

/// Where a bit of a string in memory stands: the offset is signed and reaches over all memory.
Value bit_string_address(Translator& t, Value offset, bool write) {
  ir::Builder& b = t.b;
  const unsigned bits = t.insn.operand_bits;
  const unsigned log2 = bits == 64 ? 6 : bits == 32 ? 5 : 4;
  const Value units = b.sar(b.sext(Type::i64, offset), b.i8(log2));
  const Value moved = b.add(t.effective_address(), b.shl(units, b.i8(log2 - 3)));
  const bool by_stack_register = t.insn.has_base && (t.insn.base == rsp || t.insn.base == rbp);
  return t.linear(t.data_segment(by_stack_register ? ss : ds), t.cut_address(moved, t.insn.address_bits), bits / 8,
                  write);
}

Value changed(ir::Builder& b, BitTest test, Value old, Value mask) {
  switch (test) {
    case bts: return b.or_(old, mask);
    case btr: return b.and_(old, b.not_(mask));
    default: return b.xor_(old, mask);
  }
}

Value change_atomically(Translator& t, BitTest test, Value address, Value mask) {
  const ir::Space space = t.mode.data_space();
  switch (test) {
    case bts: return t.b.atomic(Op::atomic_or, address, mask, space);
    case btr: return t.b.atomic(Op::atomic_and, address, t.b.not_(mask), space);
    default: return t.b.atomic(Op::atomic_xor, address, mask, space);
  }
}

void test_bit(Translator& t, BitTest test, Value offset, bool string) {
  ir::Builder& b = t.b;
  const unsigned bits = t.insn.operand_bits;
  const Type type = ir::integer_type(bits);
  const bool write = test != bt;
  const Value count = b.trunc(Type::i8, offset);  // shifts take it modulo the width
  const Value mask = b.shl(b.constant(type, 1), count);
  Value old{};
  if (t.insn.is_register_form()) {
    old = t.load_rm(bits);
    if (write) t.store_rm(changed(b, test, old, mask));
  } else {
    const Value address = string ? bit_string_address(t, offset, write) : t.memory_address(bits / 8, write);
    if (t.insn.lock) {
      old = change_atomically(t, test, address, mask);
    } else {
      old = t.load(type, address);
      if (write) t.store(address, changed(b, test, old, mask));
    }
  }
  t.set_flags(b.zext(Type::i32, b.trunc(Type::i1, b.shr(old, count))), Flag::carry);
}

/// BSF and BSR leave the destination alone, all 64 bits of it, where the source is zero.
void scan(Translator& t, bool forward) {
  ir::Builder& b = t.b;
  const unsigned bits = t.insn.operand_bits;
  const uint8_t number = t.insn.reg_number();
  const Value source = t.load_rm(bits);
  const Type type = b.type_of(source);
  const Value zero = b.eq(source, b.constant(type, 0));
  Value index = forward ? b.unary(Op::ctz, source) : b.sub(b.constant(type, bits - 1), b.unary(Op::clz, source));
  index = b.select(zero, b.constant(type, 0), index);
  const Value old = b.get(gpr_slot(number));
  const Value fresh = bits == 16 ? b.insert_low(old, index) : b.zext(Type::i64, index);
  b.set(gpr_slot(number), b.select(zero, old, fresh));
  const Value zero_flag = b.select(zero, b.i32(Flag::zero), b.i32(0));
  t.set_flags(b.flags_merge(b.flags(Op::flags_logic, index), zero_flag, Flag::zero));
}

void count_zeros(Translator& t, Op op) {
  ir::Builder& b = t.b;
  const unsigned bits = t.insn.operand_bits;
  const Value source = t.load_rm(bits);
  const Type type = b.type_of(source);
  const Value count = b.unary(op, source);
  t.set_gpr(t.insn.reg_number(), count);
  const Value carry = b.zext(Type::i32, b.eq(source, b.constant(type, 0)));
  const Value zero = b.select(b.eq(count, b.constant(type, 0)), b.i32(Flag::zero), b.i32(0));
  t.set_flags(b.or_(carry, zero), Flag::all & ~Flag::overflow);
}

void popcnt(Translator& t) {
  ir::Builder& b = t.b;
  const Value source = t.load_rm(t.insn.operand_bits);
  const Value zero = b.eq(source, b.constant(b.type_of(source), 0));
  t.set_gpr(t.insn.reg_number(), b.unary(Op::popcnt, source));
  t.set_flags(b.select(zero, b.i32(Flag::zero), b.i32(0)));
}

}  // namespace

bool translate_bits(Translator& t) {
  const Insn& insn = t.insn;
  const auto by_register = [&](BitTest test) {
    test_bit(t, test, t.gpr(insn.reg_number(), insn.operand_bits), true);
    return true;
  };
  switch (insn.opcode) {
    case 0xa3: return by_register(bt);
    case 0xab: return by_register(bts);
    case 0xb3: return by_register(btr);
    case 0xbb: return by_register(btc);
    case 0xb8:
      if (!insn.rep) return false;
      return popcnt(t), true;
    case 0xba:
      if (insn.reg < 4) return false;
      return test_bit(t, static_cast<BitTest>(insn.reg - 4), t.immediate(insn.operand_bits), false), true;
    case 0xbc: return insn.rep ? count_zeros(t, Op::ctz) : scan(t, true), true;
    case 0xbd: return insn.rep ? count_zeros(t, Op::clz) : scan(t, false), true;
    default: return false;
  }
}

}  // namespace strata::isa::x86

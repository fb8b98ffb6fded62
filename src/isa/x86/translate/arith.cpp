// ADD OR ADC SBB AND SUB XOR CMP TEST, INC DEC NEG NOT.
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

/// In the order of their opcodes and of group 1's reg field.
enum Alu : uint8_t { add, or_, adc, sbb, and_, sub, xor_, cmp };

struct Result {
  Value value, flags;
};

/// The IR carries through words of the host's; narrower sums are made of two.
Value with_carry(Translator& t, Op op, Value a, Value c, Value carry) {
  ir::Builder& b = t.b;
  const Type type = b.type_of(a);
  if (ir::bits(type) >= 32) return b.with_carry(op, a, c, carry);
  const Op plain = op == Op::adc ? Op::add : Op::sub;
  return b.binary(plain, b.binary(plain, a, c), b.zext(type, carry));
}

Result compute(Translator& t, Alu alu, Value a, Value c) {
  ir::Builder& b = t.b;
  const auto logic = [&](Value result) { return Result{result, b.flags(Op::flags_logic, result)}; };
  switch (alu) {
    case add: return {b.add(a, c), b.flags(Op::flags_add, a, c)};
    case or_: return logic(b.or_(a, c));
    case and_: return logic(b.and_(a, c));
    case xor_: return logic(b.xor_(a, c));
    case adc: {
      const Value carry = t.carry();
      return {with_carry(t, Op::adc, a, c, carry), b.flags(Op::flags_adc, a, c, carry)};
    }
    case sbb: {
      const Value carry = t.carry();
      return {with_carry(t, Op::sbb, a, c, carry), b.flags(Op::flags_sbb, a, c, carry)};
    }
    case sub:
    case cmp: break;
  }
  return {b.sub(a, c), b.flags(Op::flags_sub, a, c)};
}

/// The read-modify-write of a LOCKed form; gives what was there before.
Value atomic_update(Translator& t, Alu alu, Value address, Value c) {
  ir::Builder& b = t.b;
  const ir::Space space = t.mode.data_space();
  const auto carry = [&] { return b.zext(b.type_of(c), t.carry()); };
  switch (alu) {
    case or_: return b.atomic(Op::atomic_or, address, c, space);
    case and_: return b.atomic(Op::atomic_and, address, c, space);
    case xor_: return b.atomic(Op::atomic_xor, address, c, space);
    case adc: return b.atomic(Op::atomic_add, address, b.add(c, carry()), space);
    case sbb: return b.atomic(Op::atomic_add, address, b.neg(b.add(c, carry())), space);
    case sub: return b.atomic(Op::atomic_add, address, b.neg(c), space);
    default: return b.atomic(Op::atomic_add, address, c, space);
  }
}

/// rm := rm op source.
void update_rm(Translator& t, Alu alu, unsigned bits, Value source, uint32_t flags_written = ir::Flag::all) {
  Result result{};
  if (t.insn.lock) {
    const Value address = t.memory_address(bits / 8, true);
    result = compute(t, alu, atomic_update(t, alu, address, source), source);
  } else {
    result = compute(t, alu, t.load_rm(bits, alu != cmp), source);
    if (alu != cmp) t.store_rm(result.value);
  }
  t.set_flags(result.flags, flags_written);
}

/// 00 to 3D: the six forms that each of the eight has.
bool two_operands(Translator& t) {
  const auto alu = static_cast<Alu>(t.insn.opcode >> 3);
  const unsigned form = t.insn.opcode & 7, bits = form & 1 ? t.insn.operand_bits : 8;
  if (form > 5) return false;
  if (form < 2) {  // E, G
    update_rm(t, alu, bits, t.gpr(t.insn.reg_number(), bits));
    return true;
  }
  const uint8_t target = form < 4 ? t.insn.reg_number() : uint8_t{rax};
  const Value source = form < 4 ? t.load_rm(bits) : t.immediate(bits);
  const Result result = compute(t, alu, t.gpr(target, bits), source);
  if (alu != cmp) t.set_gpr(target, result.value);
  t.set_flags(result.flags);
  return true;
}

void test(Translator& t, Value a, Value c) { t.set_flags(t.b.flags(Op::flags_logic, t.b.and_(a, c))); }

/// INC and DEC leave CF alone.
void step_rm(Translator& t, bool down, unsigned bits) {
  const Value one = t.b.constant(ir::integer_type(bits), 1);
  update_rm(t, down ? sub : add, bits, one, ir::Flag::all & ~ir::Flag::carry);
}

/// 40 to 4F.
void step_register(Translator& t) {
  const uint8_t number = t.insn.opcode & 7;
  const unsigned bits = t.insn.operand_bits;
  const Value one = t.b.constant(ir::integer_type(bits), 1);
  const Result result = compute(t, t.insn.opcode & 8 ? sub : add, t.gpr(number, bits), one);
  t.set_gpr(number, result.value);
  t.set_flags(result.flags, ir::Flag::all & ~ir::Flag::carry);
}

void not_rm(Translator& t, unsigned bits) {
  if (t.insn.lock) {
    const Value ones = t.b.constant(ir::integer_type(bits), ~uint64_t{0});
    t.b.atomic(Op::atomic_xor, t.memory_address(bits / 8, true), ones, t.mode.data_space());
    return;
  }
  t.store_rm(t.b.not_(t.load_rm(bits, true)));
}

Value flags_of_neg(Translator& t, Value old) {
  return t.b.flags(Op::flags_sub, t.b.constant(t.b.type_of(old), 0), old);
}

/// There is no atomic negation: compare and swap until it holds. The address and the old value cross blocks.
void lock_neg(Translator& t, unsigned bits) {
  ir::Builder& b = t.b;
  const Type type = ir::integer_type(bits);
  b.set(temp_slot(0), t.memory_address(bits / 8, true));
  const ir::BlockId again = b.new_block(), done = b.new_block();
  b.jump(again);
  b.begin(again);
  const Value address = b.get(temp_slot(0));
  const Value old = t.load(type, address);
  const Value seen = b.atomic_cas(address, old, b.neg(old), t.mode.data_space());
  b.set(temp_slot(1), b.zext(Type::i64, old));
  b.branch(b.eq(seen, old), done, again);
  b.begin(done);
  t.set_flags(flags_of_neg(t, b.trunc(type, b.get(temp_slot(1)))));
}

void neg_rm(Translator& t, unsigned bits) {
  if (t.insn.lock) return lock_neg(t, bits);
  const Value old = t.load_rm(bits, true);
  t.store_rm(t.b.neg(old));
  t.set_flags(flags_of_neg(t, old));
}

}  // namespace

bool translate_arith(Translator& t) {
  const uint8_t opcode = t.insn.opcode;
  const unsigned bits = opcode & 1 ? t.insn.operand_bits : 8;
  if (opcode < 0x40) return two_operands(t);
  switch (opcode) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83: update_rm(t, static_cast<Alu>(t.insn.reg), bits, t.immediate(bits)); return true;
    case 0x84:
    case 0x85: test(t, t.load_rm(bits), t.gpr(t.insn.reg_number(), bits)); return true;
    case 0xa8:
    case 0xa9: test(t, t.gpr(rax, bits), t.immediate(bits)); return true;
    case 0xf6:
    case 0xf7:
      switch (t.insn.reg) {
        case 0:
        case 1: test(t, t.load_rm(bits), t.immediate(bits)); return true;
        case 2: not_rm(t, bits); return true;
        case 3: neg_rm(t, bits); return true;
        default: return false;
      }
    case 0xfe:
    case 0xff:
      if (t.insn.reg > 1) return false;
      step_rm(t, t.insn.reg == 1, bits);
      return true;
    default: step_register(t); return true;
  }
}

}  // namespace strata::isa::x86

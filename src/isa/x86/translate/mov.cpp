// MOV MOVZX MOVSX MOVSXD MOVBE MOVNTI LEA XLAT CMOVcc XCHG BSWAP CBW CWD.
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

/// A0 to A3: the accumulator and an offset in the instruction.
void mov_offset(Translator& t, unsigned bits) {
  const Value offset = t.cut_address(t.b.i64(static_cast<uint64_t>(t.insn.displacement)), t.insn.address_bits);
  const bool write = t.insn.opcode & 2;
  const Value address = t.linear(t.data_segment(ds), offset, bits / 8, write);
  if (write) t.store(address, t.gpr(rax, bits));
  else t.set_gpr(rax, t.load(ir::integer_type(bits), address));
}

bool mov_immediate(Translator& t, unsigned bits) {
  if (t.insn.reg != 0) return false;
  t.store_rm(t.immediate(bits));
  return true;
}

void xchg(Translator& t, unsigned bits) {
  const uint8_t number = t.insn.reg_number();
  const Value mine = t.gpr(number, bits);
  if (!t.insn.is_register_form()) {  // always as if LOCKed
    const Value address = t.memory_address(bits / 8, true);
    t.set_gpr(number, t.b.atomic(Op::atomic_swap, address, mine, t.mode.data_space()));
    return;
  }
  const Value other = t.load_rm(bits);
  t.store_rm(mine);
  t.set_gpr(number, other);
}

void xchg_rax(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  const auto number = static_cast<uint8_t>((t.insn.opcode & 7) | t.insn.rex_b);
  const Value a = t.gpr(rax, bits), other = t.gpr(number, bits);
  t.set_gpr(rax, other);
  t.set_gpr(number, a);
}

bool lea(Translator& t) {
  if (t.insn.is_register_form()) return false;
  t.set_gpr(t.insn.reg_number(), t.b.trunc(ir::integer_type(t.insn.operand_bits), t.effective_address()));
  return true;
}

void xlat(Translator& t) {
  const Value offset =
      t.b.add(t.b.get(gpr_slot(rbx)), t.b.zext(Type::i64, t.b.trunc(Type::i8, t.b.get(gpr_slot(rax)))));
  const Value address = t.linear(t.data_segment(ds), t.cut_address(offset, t.insn.address_bits), 1, false);
  t.b.set(gpr_slot(rax), t.b.insert_low(t.b.get(gpr_slot(rax)), t.load(Type::i8, address)));
}

/// CBW CWDE CDQE.
void widen_accumulator(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  const Value half = t.b.trunc(ir::integer_type(bits / 2), t.b.get(gpr_slot(rax)));
  t.set_gpr(rax, t.b.sext(ir::integer_type(bits), half));
}

/// CWD CDQ CQO.
void sign_into_rdx(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  t.set_gpr(rdx, t.b.sar(t.gpr(rax, bits), t.b.i8(bits - 1)));
}

/// The load happens, and a 32-bit destination loses its upper half, whether the condition holds or not.
void cmov(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  const uint8_t number = t.insn.reg_number();
  const Value source = t.load_rm(bits);
  t.set_gpr(number, t.b.select(t.cond(t.insn.opcode & 15), source, t.gpr(number, bits)));
}

void extend(Translator& t, Op op, unsigned from) {
  const unsigned bits = t.insn.operand_bits;
  const Value source = t.load_rm(from > bits ? bits : from);
  const Type type = ir::integer_type(bits);
  t.set_gpr(t.insn.reg_number(), op == Op::sext ? t.b.sext(type, source) : t.b.zext(type, source));
}

/// With 16 bits the manuals leave it open; AMD and Intel give zero.
void bswap(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  const auto number = static_cast<uint8_t>((t.insn.opcode & 7) | t.insn.rex_b);
  t.set_gpr(number, bits == 16 ? t.b.i16(0) : t.b.unary(Op::bswap, t.gpr(number, bits)));
}

bool movbe(Translator& t) {
  if (t.insn.repne || t.insn.rep || t.insn.is_register_form()) return false;
  const unsigned bits = t.insn.operand_bits;
  const uint8_t number = t.insn.reg_number();
  if (t.insn.opcode == 0xf1) t.store_rm(t.b.unary(Op::bswap, t.gpr(number, bits)));
  else t.set_gpr(number, t.b.unary(Op::bswap, t.load_rm(bits)));
  return true;
}

bool movnti(Translator& t) {
  if (t.insn.is_register_form() || t.insn.simd_prefix != 0) return false;
  t.store_rm(t.gpr(t.insn.reg_number(), t.insn.operand_bits));
  return true;
}

bool primary(Translator& t) {
  const Insn& insn = t.insn;
  const unsigned bits = insn.opcode & 1 ? insn.operand_bits : 8;
  switch (insn.opcode) {
    case 0x63:
      if (t.mode.code_bits != 64) return false;  // ARPL
      return extend(t, Op::sext, 32), true;
    case 0x86:
    case 0x87: return xchg(t, bits), true;
    case 0x88:
    case 0x89: return t.store_rm(t.gpr(insn.reg_number(), bits)), true;
    case 0x8a:
    case 0x8b: return t.set_gpr(insn.reg_number(), t.load_rm(bits)), true;
    case 0x8d: return lea(t);
    case 0x98: return widen_accumulator(t), true;
    case 0x99: return sign_into_rdx(t), true;
    case 0xa0:
    case 0xa1:
    case 0xa2:
    case 0xa3: return mov_offset(t, bits), true;
    case 0xc6:
    case 0xc7: return mov_immediate(t, bits);
    case 0xd7: return xlat(t), true;
    default: break;
  }
  const auto number = static_cast<uint8_t>((insn.opcode & 7) | insn.rex_b);
  if (insn.opcode < 0x98) return xchg_rax(t), true;
  if (insn.opcode < 0xb8) return t.set_gpr(number, t.immediate(8)), true;
  return t.set_gpr(number, t.immediate(insn.operand_bits)), true;
}

}  // namespace

bool translate_mov(Translator& t) {
  const uint8_t opcode = t.insn.opcode;
  if (t.insn.map == Map::primary) return primary(t);
  if (t.insn.map == Map::map_0f38) return movbe(t);
  switch (opcode) {
    case 0xb6:
    case 0xb7: return extend(t, Op::zext, opcode & 1 ? 16 : 8), true;
    case 0xbe:
    case 0xbf: return extend(t, Op::sext, opcode & 1 ? 16 : 8), true;
    case 0xc3: return movnti(t);
    default: break;
  }
  if (opcode < 0x50) cmov(t);
  else bswap(t);
  return true;
}

}  // namespace strata::isa::x86

// Far JMP CALL RET, INT and IRET: transfers that load CS. All the work is in system/.
#include "isa/x86/system/helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

void far_jump(Translator& t, Value selector, Value offset) {
  t.b.exit_indirect(t.call(helpers::far_jump, {selector, offset}));
}

void far_call(Translator& t, Value selector, Value offset) {
  const Value bits = t.b.i8(t.insn.operand_bits), next = t.pc_value(t.next_pc());
  t.b.exit_indirect(t.call(helpers::far_call, {selector, offset, bits, next}));
}

/// 9A and EA: the pointer stands in the instruction.
void transfer_immediate(Translator& t) {
  const uint64_t mask = t.insn.operand_bits == 16 ? 0xffff : 0xffff'ffff;
  const Value selector = t.b.i16(static_cast<uint64_t>(t.insn.immediate2));
  const Value offset = t.b.i64(static_cast<uint64_t>(t.insn.immediate) & mask);
  if (t.insn.opcode == 0x9a) far_call(t, selector, offset);
  else far_jump(t, selector, offset);
}

/// FF /3 and /5: the pointer stands in memory, the offset first.
bool transfer_through_memory(Translator& t) {
  if ((t.insn.reg != 3 && t.insn.reg != 5) || t.insn.is_register_form()) return false;
  const unsigned size = t.insn.operand_bits / 8;
  const Value address = t.memory_address(size + 2);
  const Value offset = t.b.zext(Type::i64, t.load(ir::integer_type(t.insn.operand_bits), address));
  const Value selector = t.load(Type::i16, t.b.add(address, t.b.i64(size)));
  if (t.insn.reg == 3) far_call(t, selector, offset);
  else far_jump(t, selector, offset);
  return true;
}

void far_return(Translator& t) {
  const Value released = t.b.i16(static_cast<uint64_t>(t.insn.immediate));
  t.b.exit_indirect(t.call(helpers::far_return, {t.b.i8(t.insn.operand_bits), released}));
}

void software_interrupt(Translator& t, uint8_t vector) {
  const Value next = t.pc_value(t.next_pc()), opcode = t.b.i8(t.insn.opcode);
  t.b.exit_indirect(t.call(helpers::software_interrupt, {t.b.i8(vector), next, opcode}));
}

void into(Translator& t) {
  const ir::BlockId taken = t.b.new_block(), passed = t.b.new_block();
  t.b.branch(t.b.cond(ir::Cond::o, t.flags()), taken, passed);
  t.b.begin(taken);
  software_interrupt(t, vector_of);
  t.b.begin(passed);
  t.end_at(t.next_pc());
}

}  // namespace

bool translate_far(Translator& t) {
  switch (t.insn.opcode) {
    case 0x9a:
    case 0xea: return transfer_immediate(t), true;
    case 0xca:
    case 0xcb: return far_return(t), true;
    case 0xcc: return software_interrupt(t, vector_bp), true;
    case 0xcd: return software_interrupt(t, static_cast<uint8_t>(t.insn.immediate)), true;
    case 0xce: return into(t), true;
    case 0xcf: return t.b.exit_indirect(t.call(helpers::interrupt_return, {t.b.i8(t.insn.operand_bits)})), true;
    case 0xf1: return software_interrupt(t, vector_db), true;
    default: return transfer_through_memory(t);
  }
}

}  // namespace strata::isa::x86

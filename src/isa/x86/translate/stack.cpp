// PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE.
#include "isa/x86/system/helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

uint8_t register_in_opcode(const Insn& insn) { return static_cast<uint8_t>((insn.opcode & 7) | insn.rex_b); }

/// POP to memory computes its address with the stack pointer already moved (SDM vol. 2, POP).
bool pop_rm(Translator& t) {
  if (t.insn.reg != 0) return false;
  const unsigned bits = t.stack_operand_bits();
  if (t.insn.is_register_form()) return t.set_gpr(t.insn.rm_number(), t.pop(bits)), true;
  const Value pointer = t.stack_pointer();
  const Value value = t.load(ir::integer_type(bits), t.stack_address(pointer, bits / 8, false));
  if (t.insn.has_base && t.insn.base == rsp) t.insn.displacement += bits / 8;
  t.store_rm(value);
  t.set_stack_pointer(t.b.add(pointer, t.b.i64(bits / 8)));
  return true;
}

/// The registers in their order; the stack pointer's own place gets its value from before.
void pusha(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  Value pointer = t.stack_pointer();
  for (uint8_t number = rax; number <= rdi; ++number) {
    pointer = t.b.sub(pointer, t.b.i64(bits / 8));
    t.store(t.stack_address(pointer, bits / 8, true), t.gpr(number, bits));
  }
  t.set_stack_pointer(pointer);
}

void popa(Translator& t) {
  const unsigned bits = t.insn.operand_bits;
  Value pointer = t.stack_pointer(), values[8];
  for (int number = rdi; number >= rax; --number) {
    values[number] = t.load(ir::integer_type(bits), t.stack_address(pointer, bits / 8, false));
    pointer = t.b.add(pointer, t.b.i64(bits / 8));
  }
  t.set_stack_pointer(pointer);
  for (uint8_t number = rax; number <= rdi; ++number)
    if (number != rsp) t.set_gpr(number, values[number]);
}

void pushf(Translator& t) {
  Value flags{};
  if (t.mode.vm86) {
    flags = t.call(helpers::read_flags, {});
  } else {
    constexpr uint32_t kept = ~static_cast<uint32_t>(Rflags::rf | Rflags::vm);
    flags = t.b.zext(Type::i64, t.b.or_(t.flags(), t.b.and_(t.b.get(slot_system_flags), t.b.i32(kept))));
  }
  t.push(t.b.trunc(ir::integer_type(t.stack_operand_bits()), flags));
}

void popf(Translator& t) {
  const unsigned bits = t.stack_operand_bits();
  const Value value = t.load(ir::integer_type(bits), t.stack_address(t.stack_pointer(), bits / 8, false));
  t.call(helpers::write_flags, {t.b.zext(Type::i64, value), t.b.i8(bits)});
  t.set_stack_pointer(t.b.add(t.stack_pointer(), t.b.i64(bits / 8)));
  t.end_after_this();
}

/// SDM vol. 2, ENTER. The outer frames' pointers are copied from where rBP shows.
void enter(Translator& t) {
  ir::Builder& b = t.b;
  const unsigned bits = t.stack_operand_bits(), size = bits / 8;
  const Type type = ir::integer_type(bits);
  const unsigned level = t.insn.immediate2 & 31;
  const Value frame = b.sub(t.stack_pointer(), b.i64(size));
  t.store(t.stack_address(frame, size, true), t.gpr(rbp, bits));
  Value pointer = frame;
  const auto push = [&](Value value) {
    pointer = b.sub(pointer, b.i64(size));
    t.store(t.stack_address(pointer, size, true), value);
  };
  for (unsigned i = 1; i < level; ++i) {
    const Value outer = b.sub(b.get(gpr_slot(rbp)), b.i64(i * size));
    push(t.load(type, t.stack_address(outer, size, false)));
  }
  if (level > 0) push(b.trunc(type, frame));
  pointer = b.sub(pointer, b.i64(t.insn.immediate & 0xffff));
  t.set_gpr(rbp, b.trunc(type, t.cut_address(frame, t.stack_bits())));
  t.set_stack_pointer(pointer);
}

void leave(Translator& t) {
  const unsigned bits = t.stack_operand_bits();
  const Value frame = t.cut_address(t.b.get(gpr_slot(rbp)), t.stack_bits());
  const Value outer = t.load(ir::integer_type(bits), t.stack_address(frame, bits / 8, false));
  t.set_stack_pointer(t.b.add(frame, t.b.i64(bits / 8)));
  t.set_gpr(rbp, outer);
}

}  // namespace

bool translate_stack(Translator& t) {
  const Insn& insn = t.insn;
  const unsigned bits = t.stack_operand_bits();
  switch (insn.opcode) {
    case 0x60: return pusha(t), true;
    case 0x61: return popa(t), true;
    case 0x68:
    case 0x6a: return t.push(t.immediate(bits)), true;
    case 0x8f: return pop_rm(t);
    case 0x9c: return pushf(t), true;
    case 0x9d: return popf(t), true;
    case 0xc8: return enter(t), true;
    case 0xc9: return leave(t), true;
    case 0xff:
      if (insn.reg != 6) return false;
      return t.push(t.load_rm(bits)), true;
    default: break;
  }
  if (insn.opcode < 0x58) t.push(t.gpr(register_in_opcode(insn), bits));
  else t.set_gpr(register_in_opcode(insn), t.pop(bits));
  return true;
}

}  // namespace strata::isa::x86

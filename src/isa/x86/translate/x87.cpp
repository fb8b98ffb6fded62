// The x87 group: D8 to DF, and WAIT.
#include "base/float_stack.h"
#include "isa/x86/fpu/x87_helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

using float_stack::Operand;
using float_stack::Operation;

/// What instructions that wait begin with. ES in State is right even while the rest is on the host's unit, where
/// only states with all exceptions masked stay.
void wait(Translator& t) {
  if (!t.mode.x87_faults || !t.x87_by_helpers()) return;
  constexpr uint64_t error_summary = 0x80;
  const Value waiting = t.b.and_(t.b.get(slot_x87_status), t.b.i16(error_summary));
  t.raise_if(t.b.ne(waiting, t.b.i16(0)), vector_mf);
}

Value modrm(Translator& t) { return t.b.i8(0xc0u | t.insn.reg << 3 | t.insn.rm); }

Operation operation(const Translator& t) {
  return float_stack::operation(t.insn.opcode, static_cast<uint8_t>(0xc0 | t.insn.reg << 3 | t.insn.rm));
}

/// The pointers to the last instruction that was not one of control.
void remember_insn(Translator& t, uint64_t second_byte) {
  t.b.set(slot_x87_insn_pointer, t.pc_value(t.pc));
  t.b.set(slot_x87_insn_selector, t.b.get(segment_selector_slot(cs)));
  t.b.set(slot_x87_opcode, t.b.i16((t.insn.opcode & 7u) << 8 | second_byte));
}

void with_memory(Translator& t, Operand operand) {
  const Operation number = float_stack::memory_operation(t.insn.opcode, t.insn.reg);
  t.expect_x87(X87Place::unit);
  const Value address = t.memory_address(float_stack::size(operand), float_stack::is_store(operand));
  t.b.emit(Op::fstack_memory, Type::none, {address}, number | uint64_t{t.mode.data_space()} << 16);
  remember_insn(t, number & 0xff);
  t.b.set(slot_x87_data_pointer, address);
}

void load_by_helper(Translator& t, Operand operand) {
  wait(t);
  const unsigned size = float_stack::size(operand);
  const Value address = t.memory_address(size);
  const Value low = t.b.zext(Type::i64, t.load(ir::integer_type(size < 8 ? size * 8 : 64), address));
  Value high = t.b.i64(0);
  if (size == 10) high = t.b.zext(Type::i64, t.load(Type::i16, t.b.add(address, t.b.i64(8))));
  t.call(helpers::x87_load, {t.b.i16(uint64_t{t.insn.opcode} << 8 | t.insn.reg), low, high, address});
}

void store_by_helper(Translator& t, Operand operand) {
  wait(t);
  const unsigned size = float_stack::size(operand);
  const Value address = t.memory_address(size, true);
  t.call(helpers::x87_store, {t.b.i8(t.insn.opcode), t.b.i8(t.insn.reg), address, t.b.i8(size)});
}

void environment(Translator& t, const ir::Helper& helper, unsigned registers, bool write) {
  const unsigned bits = t.insn.operand_bits == 16 ? 16 : 32;
  const Value address = t.memory_address(7 * bits / 8 + registers * 10, write);
  const bool real = !t.mode.protected_ || t.mode.vm86;
  t.call(helper, {address, t.b.i8(bits), t.b.i8(real)});
  t.end_after_this();  // the masks may have changed
}

/// Where the masks stay whole the mode stays.
void fldcw(Translator& t) {
  constexpr uint64_t masks = 0x3f, writable = 0x1f7f, always_set = 0x40;
  if (t.x87_by_helpers()) {
    wait(t);
    t.call(helpers::fldcw, {t.load(Type::i16, t.memory_address(2))});
    return t.end_after_this();
  }
  t.expect_x87(X87Place::unit);
  const Value value = t.load(Type::i16, t.memory_address(2));
  const Value control = t.b.or_(t.b.and_(value, t.b.i16(writable)), t.b.i16(always_set));
  const Value unmasks = t.b.ne(t.b.and_(value, t.b.i16(masks)), t.b.i16(masks));
  t.b.exit_if(unmasks, ir::ExitKind::trap, trap_x87_careful);
  t.b.emit(Op::fstack_control, Type::none, {control});
  t.b.set(slot_x87_control, control);
}

Value fnstsw(Translator& t) {
  if (t.x87_by_helpers()) return t.call(helpers::fnstsw, {});
  t.expect_x87(X87Place::unit);
  return t.b.emit(Op::fstack_status, Type::i16, {});
}

void fnclex(Translator& t) {
  if (t.x87_by_helpers()) {
    t.call(helpers::fnclex, {});
    return;
  }
  t.expect_x87(X87Place::unit);
  t.b.emit(Op::fstack, Type::none, {}, operation(t));
}

/// FLDENV FLDCW FNSTENV FNSTCW, FRSTOR FNSAVE FNSTSW.
void control_form(Translator& t) {
  const bool d9 = t.insn.opcode == 0xd9;
  switch (t.insn.reg) {
    case 4: wait(t); return d9 ? environment(t, helpers::fldenv, 0, false) : environment(t, helpers::frstor, 8, false);
    case 5: return fldcw(t);
    case 6: return d9 ? environment(t, helpers::fnstenv, 0, true) : environment(t, helpers::fnsave, 8, true);
    default: {
      const Value address = t.memory_address(2, true);
      t.store(address, d9 ? t.b.get(slot_x87_control) : fnstsw(t));
    }
  }
}

void memory_form(Translator& t) {
  const Operand operand = float_stack::operand(t.insn.opcode, t.insn.reg);
  if (operand == Operand::none) return t.invalid();
  if (operand == Operand::control) return control_form(t);
  if (!t.x87_by_helpers()) return with_memory(t, operand);
  float_stack::is_store(operand) ? store_by_helper(t, operand) : load_by_helper(t, operand);
}

/// Register forms that are only numbers in, numbers out. By opcode, a bit for each value of reg; within D9 and others
/// some values of rm are invalid, which is told apart in is_plain.
bool is_plain(uint8_t opcode, uint8_t reg, uint8_t rm) {
  switch (opcode) {
    case 0xd8:
    case 0xdc: return true;  // DC D0, D8: FCOM, FCOMP under another number, as processors do
    case 0xd9:
      if (reg == 2) return rm == 0;                                   // FNOP
      if (reg == 4) return rm == 0 || rm == 1 || rm == 4 || rm == 5;  // FCHS FABS FTST FXAM
      return reg != 5 || rm != 7;           // FLD FXCH FSTP, constants (EF is none), functions
    case 0xda: return reg == 5 && rm == 1;  // FUCOMPP
    case 0xdd: return reg < 6;              // FFREE FXCH FST FSTP FUCOM FUCOMP
    case 0xde: return reg != 3 || rm == 1;  // FCOMPP
    case 0xdf: return reg < 4;              // FFREEP FXCH FSTP FSTP
    default: return false;
  }
}

/// FCMOVcc, FCOMI and their like: they read or write the arithmetic flags.
bool uses_flags(uint8_t opcode, uint8_t reg) {
  if (opcode == 0xda) return reg < 4;
  if (opcode == 0xdb) return reg < 4 || reg == 5 || reg == 6;
  return opcode == 0xdf && (reg == 5 || reg == 6);
}

/// FCOMI, FUCOMI and those that pop.
void compare(Translator& t) {
  t.expect_x87(X87Place::unit);
  t.set_flags(t.b.emit(Op::fstack_compare, Type::i32, {}, operation(t)));
  remember_insn(t, operation(t) & 0xff);
}

void with_flags(Translator& t, bool compares) {
  if (compares && !t.x87_by_helpers()) return compare(t);
  const Value after = t.call(helpers::x87_flags, {t.b.i8(t.insn.opcode), modrm(t), t.flags()});
  if (compares) t.set_flags(after);
}

void plain(Translator& t) {
  if (t.x87_by_helpers()) {
    t.call(helpers::x87_register, {t.b.i8(t.insn.opcode), modrm(t)});
    return;
  }
  t.expect_x87(X87Place::unit);
  t.b.emit(Op::fstack, Type::none, {}, operation(t));
  remember_insn(t, operation(t) & 0xff);
}

void register_form(Translator& t) {
  const uint8_t opcode = t.insn.opcode, reg = t.insn.reg, rm = t.insn.rm;
  if (uses_flags(opcode, reg)) return with_flags(t, reg >= 5);
  if (is_plain(opcode, reg, rm)) return plain(t);
  if (opcode == 0xdf && reg == 4 && rm == 0) return t.set_gpr(rax, fnstsw(t));
  if (opcode != 0xdb || reg != 4) return t.invalid();
  switch (rm) {
    case 0:
    case 1:
    case 4: return;  // FENI, FDISI, FSETPM of the 8087 and 287: nothing
    case 2: return fnclex(t);
    case 3: t.call(helpers::fninit, {}); return t.end_after_this();
    default: return t.invalid();
  }
}

}  // namespace

bool translate_x87(Translator& t) {
  if (t.insn.map != Map::primary) return false;
  if (t.insn.opcode == 0x9b) {
    if (t.mode.monitor_x87 && t.mode.task_switched) return t.raise(vector_nm), true;
    wait(t);
    return true;
  }
  if (t.x87_unusable()) return true;
  t.insn.is_register_form() ? register_form(t) : memory_form(t);
  return true;
}

}  // namespace strata::isa::x86

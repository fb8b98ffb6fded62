// The x87 group: D8 to DF, and WAIT.
#include "isa/x86/fpu/x87_helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

/// What a memory form does with its operand.
enum class Memory : uint8_t { invalid, load16, load32, load64, load80, store16, store32, store64, store80, control };

// clang-format off
/// By opcode D8..DF and reg field (SDM vol. 2, tables ).
constexpr Memory memory_forms[8][8] = {
    {Memory::load32, Memory::load32, Memory::load32, Memory::load32,    // D8: arithmetic with an m32fp
     Memory::load32, Memory::load32, Memory::load32, Memory::load32},
    {Memory::load32, Memory::invalid, Memory::store32, Memory::store32, // D9: FLD, -, FST, FSTP
     Memory::control, Memory::control, Memory::control, Memory::control},
    {Memory::load32, Memory::load32, Memory::load32, Memory::load32,    // DA: arithmetic with an m32int
     Memory::load32, Memory::load32, Memory::load32, Memory::load32},
    {Memory::load32, Memory::store32, Memory::store32, Memory::store32, // DB: FILD, FISTTP, FIST, FISTP
     Memory::invalid, Memory::load80, Memory::invalid, Memory::store80},
    {Memory::load64, Memory::load64, Memory::load64, Memory::load64,    // DC: arithmetic with an m64fp
     Memory::load64, Memory::load64, Memory::load64, Memory::load64},
    {Memory::load64, Memory::store64, Memory::store64, Memory::store64, // DD: FLD, FISTTP, FST, FSTP
     Memory::control, Memory::invalid, Memory::control, Memory::control},
    {Memory::load16, Memory::load16, Memory::load16, Memory::load16,    // DE: arithmetic with an m16int
     Memory::load16, Memory::load16, Memory::load16, Memory::load16},
    {Memory::load16, Memory::store16, Memory::store16, Memory::store16, // DF: FILD, FISTTP, FIST, FISTP,
     Memory::load80, Memory::load64, Memory::store80, Memory::store64},  //    FBLD, FILD, FBSTP, FISTP
};
// clang-format on

unsigned operand_size(Memory form) {
  switch (form) {
    case Memory::load16:
    case Memory::store16: return 2;
    case Memory::load32:
    case Memory::store32: return 4;
    case Memory::load64:
    case Memory::store64: return 8;
    default: return 10;
  }
}

/// What instructions that wait begin with. ES in State is right even while the rest is on the host's unit, where
/// only states with all exceptions masked stay.
void wait(Translator& t) {
  if (!t.mode.x87_faults) return;
  constexpr uint64_t error_summary = 0x80;
  const Value waiting = t.b.and_(t.b.get(slot_x87_status), t.b.i16(error_summary));
  t.raise_if(t.b.ne(waiting, t.b.i16(0)), vector_mf);
}

Value modrm(Translator& t) { return t.b.i8(0xc0u | t.insn.reg << 3 | t.insn.rm); }

void load(Translator& t, Memory form) {
  wait(t);
  const unsigned size = operand_size(form);
  const Value address = t.memory_address(size);
  const Value low = t.b.zext(Type::i64, t.load(ir::integer_type(size < 8 ? size * 8 : 64), address));
  Value high = t.b.i64(0);
  if (size == 10) high = t.b.zext(Type::i64, t.load(Type::i16, t.b.add(address, t.b.i64(8))));
  t.call(helpers::x87_load, {t.b.i16(uint64_t{t.insn.opcode} << 8 | t.insn.reg), low, high, address});
}

void store(Translator& t, Memory form) {
  wait(t);
  const unsigned size = operand_size(form);
  const Value address = t.memory_address(size, true);
  t.call(helpers::x87_store, {t.b.i8(t.insn.opcode), t.b.i8(t.insn.reg), address, t.b.i8(size)});
}

void environment(Translator& t, const ir::Helper& helper, unsigned registers, bool write) {
  const unsigned bits = t.insn.operand_bits == 16 ? 16 : 32;
  const Value address = t.memory_address(7 * bits / 8 + registers * 10, write);
  const bool real = !t.mode.protected_ || t.mode.vm86;
  t.call(helper, {address, t.b.i8(bits), t.b.i8(real)});
}

/// FLDENV FLDCW FNSTENV FNSTCW, FRSTOR FNSAVE FNSTSW.
void control_form(Translator& t) {
  const bool d9 = t.insn.opcode == 0xd9;
  switch (t.insn.reg) {
    case 4: wait(t); return d9 ? environment(t, helpers::fldenv, 0, false) : environment(t, helpers::frstor, 8, false);
    case 5:
      wait(t);
      t.call(helpers::fldcw, {t.load(Type::i16, t.memory_address(2))});
      return;
    case 6: return d9 ? environment(t, helpers::fnstenv, 0, true) : environment(t, helpers::fnsave, 8, true);
    default: {
      const Value address = t.memory_address(2, true);
      t.store(address, d9 ? t.b.get(slot_x87_control) : t.call(helpers::fnstsw, {}));
    }
  }
}

void memory_form(Translator& t) {
  const Memory form = memory_forms[t.insn.opcode & 7][t.insn.reg];
  switch (form) {
    case Memory::invalid: return t.invalid();
    case Memory::load16:
    case Memory::load32:
    case Memory::load64:
    case Memory::load80: return load(t, form);
    case Memory::control: return control_form(t);
    default: return store(t, form);
  }
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

void register_form(Translator& t) {
  const uint8_t opcode = t.insn.opcode, reg = t.insn.reg, rm = t.insn.rm;
  if (uses_flags(opcode, reg)) {
    const bool compares = reg >= 5;
    const Value after = t.call(helpers::x87_flags, {t.b.i8(opcode), modrm(t), t.flags()});
    if (compares) t.set_flags(after);
    return;
  }
  if (is_plain(opcode, reg, rm)) {
    t.call(helpers::x87_register, {t.b.i8(opcode), modrm(t)});
    return;
  }
  if (opcode == 0xdf && reg == 4 && rm == 0) return t.set_gpr(rax, t.call(helpers::fnstsw, {}));
  if (opcode != 0xdb || reg != 4) return t.invalid();
  switch (rm) {
    case 0:
    case 1:
    case 4: return;  // FENI, FDISI, FSETPM of the 8087 and 287: nothing
    case 2: t.call(helpers::fnclex, {}); return;
    case 3: t.call(helpers::fninit, {}); return;
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

// The xsave group: FXSAVE FXRSTOR XSAVE XRSTOR.
#include "isa/x86/fpu/state_area.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

enum class Restores : bool { no, yes };

void state_area(Translator& t, const ir::Helper& helper, unsigned size, unsigned alignment, Restores restores) {
  const Value address = t.memory_address(size, restores == Restores::no);
  const Value astray = t.b.and_(address, t.b.i64(alignment - 1));
  t.raise_if(t.b.ne(astray, t.b.i64(0)), vector_gp, 0);
  const unsigned bits = t.insn.rex_w ? 64 : 32, registers = t.mode.code_bits == 64 ? 16 : 8;
  t.call(helper, {address, t.b.i8(bits), t.b.i8(registers)});
  if (restores == Restores::yes) t.end_after_this();  // MXCSR may unmask exceptions
}

void fx(Translator& t, const ir::Helper& helper, Restores restores) {
  if (t.x87_unusable()) return;
  state_area(t, helper, 512, 16, restores);
}

void x(Translator& t, const ir::Helper& helper, Restores restores) {
  if (!t.mode.xsave) return t.invalid();
  if (t.mode.task_switched) return t.raise(vector_nm);
  state_area(t, helper, 576, 64, restores);
}

}  // namespace

bool translate_xsave(Translator& t) {
  if (t.insn.opcode != 0xae || t.insn.is_register_form() || t.insn.simd_prefix != 0) return false;
  switch (t.insn.reg) {
    case 0: fx(t, helpers::fxsave, Restores::no); return true;
    case 1: fx(t, helpers::fxrstor, Restores::yes); return true;
    case 4: x(t, helpers::xsave, Restores::no); return true;
    case 5: x(t, helpers::xrstor, Restores::yes); return true;
    default: return false;
  }
}

}  // namespace strata::isa::x86

// IN OUT, CLI STI HLT, NOP PAUSE UD, LFENCE MFENCE SFENCE, CLFLUSH CLFLUSHOPT CLWB, PREFETCHh PREFETCHW.
#include "isa/x86/system/helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

/// E4 to E7 name the port themselves, EC to EF take DX.
void port(Translator& t) {
  ir::Builder& b = t.b;
  const unsigned bits = !(t.insn.opcode & 1) ? 8 : t.insn.operand_bits == 16 ? 16 : 32;
  const Value number = t.insn.opcode & 8 ? t.gpr(rdx, 16) : b.i16(static_cast<uint8_t>(t.insn.immediate));
  const Value size = b.i8(bits / 8);
  if (t.insn.opcode & 2) {
    t.call(helpers::port_out, {number, size, b.zext(Type::i32, t.gpr(rax, bits))});
    return;
  }
  const Value value = t.call(helpers::port_in, {number, size});
  t.set_gpr(rax, b.trunc(ir::integer_type(bits), value));
}

void cli(Translator& t) {
  if (t.mode.cpl != 0) {
    t.call(helpers::set_interrupt_flag, {t.b.i8(0)});
    return;
  }
  const Value flags = t.b.get(slot_system_flags);
  t.b.set(slot_system_flags, t.b.and_(flags, t.b.i32(~static_cast<uint32_t>(Rflags::if_))));
}

/// The instruction behind it ends the interrupt shadow when it begins: inside a unit nothing comes between.
void sti(Translator& t) {
  t.call(helpers::set_interrupt_flag, {t.b.i8(1)});
  if (t.mode.one_by_one() || t.mode.cpl == 3) return t.end_after_this();
  t.in_shadow = true;
}

void hlt(Translator& t) {
  if (t.needs_cpl0()) return;
  t.b.set(slot_rip, t.pc_value(t.next_pc()));
  t.b.exit(ir::ExitKind::halt);
}

/// Group 15's fences, and the cache-line instructions, which only fault as a load would.
bool group_15(Translator& t) {
  const Insn& insn = t.insn;
  if (insn.is_register_form()) {
    if (insn.simd_prefix != 0 || insn.reg < 5) return false;
    return t.b.emit(Op::fence, Type::none, {}), true;
  }
  const bool clflush = insn.reg == 7 && (insn.simd_prefix == 0 || insn.simd_prefix == 0x66);
  const bool clwb = insn.reg == 6 && insn.simd_prefix == 0x66;
  if (!clflush && !clwb) return false;
  return t.load(Type::i8, t.memory_address(1)), true;
}

/// With REX.B it is XCHG R8, RAX.
bool nop(Translator& t) {
  if (t.insn.rex_b != 0) return false;
  if (t.insn.rep && t.cpuid.count > 1) t.call(helpers::pause, {});
  return true;
}

bool in_map_0f(Translator& t) {
  switch (t.insn.opcode) {
    case 0x0b: return false;  // UD2
    case 0xae: return group_15(t);
    default: return true;  // prefetches and hints: nothing, not even a memory access
  }
}

}  // namespace

bool translate_io(Translator& t) {
  if (t.insn.map == Map::map_0f) return in_map_0f(t);
  switch (t.insn.opcode) {
    case 0x90: return nop(t);
    case 0xf4: return hlt(t), true;
    case 0xfa: return cli(t), true;
    case 0xfb: return sti(t), true;
    default: return port(t), true;
  }
}

}  // namespace strata::isa::x86

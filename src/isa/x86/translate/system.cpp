// The system group: descriptor tables, control and debug registers, MSRs, CPUID, fast system calls.
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/helpers.h"
#include "isa/x86/system/register_helpers.h"
#include "isa/x86/translate/groups.h"

namespace strata::isa::x86 {
namespace {

constexpr unsigned which_gdtr = 0, which_idtr = 1, which_ldtr = 0, which_tr = 1;

bool uses_descriptors(const Translator& t) { return t.mode.protected_ && !t.mode.vm86; }

/// #UD outside protected mode, #GP(0) above CPL 0: what most instructions of this file begin with.
bool needs_protected_cpl0(Translator& t) {
  if (uses_descriptors(t)) return t.needs_cpl0();
  t.invalid();
  return true;
}

unsigned control_bits_of(const Translator& t) { return t.mode.code_bits == 64 ? 64 : 32; }

/// A selector or machine status word: 16 bits to memory, the operand size to a register.
void store_word(Translator& t, Value word) {
  t.store_rm(t.b.trunc(ir::integer_type(t.insn.is_register_form() ? t.insn.operand_bits : 16), word));
}

// 0F 00

void sldt_str(Translator& t, unsigned which) {
  if (!uses_descriptors(t)) return t.invalid();
  store_word(t, t.call(helpers::store_system_segment, {t.b.i8(which)}));
}

void lldt_ltr(Translator& t, unsigned which) {
  if (needs_protected_cpl0(t)) return;
  t.call(helpers::load_system_segment, {t.b.i8(which), t.load_rm(16)});
}

/// ZF := whether a helper found what was asked for.
void set_zero_flag(Translator& t, Value found) {
  const Value zero = t.b.select(found, t.b.i32(ir::Flag::zero), t.b.i32(0));
  t.set_flags(zero, ir::Flag::zero);
}

void verr_verw(Translator& t, bool for_writing) {
  if (!uses_descriptors(t)) return t.invalid();
  const Value found = t.call(helpers::verify_segment, {t.load_rm(16), t.b.i8(for_writing)});
  set_zero_flag(t, t.b.trunc(Type::i1, found));
}

bool group6(Translator& t) {
  switch (t.insn.reg) {
    case 0: sldt_str(t, which_ldtr); return true;
    case 1: sldt_str(t, which_tr); return true;
    case 2: lldt_ltr(t, which_ldtr); return true;
    case 3: lldt_ltr(t, which_tr); return true;
    case 4: verr_verw(t, false); return true;
    case 5: verr_verw(t, true); return true;
    default: return false;
  }
}

// 0F 01

void sgdt_sidt(Translator& t, unsigned which) {
  const unsigned base_bits = control_bits_of(t);
  const Value address = t.memory_address(2 + base_bits / 8, true);
  const Value limit = t.call(helpers::store_table, {t.b.i8(which), t.b.i8(1)});
  const Value base = t.call(helpers::store_table, {t.b.i8(which), t.b.i8(0)});
  t.store(address, t.b.trunc(Type::i16, limit));
  t.store(t.b.add(address, t.b.i64(2)), t.b.trunc(ir::integer_type(base_bits), base));
}

void lgdt_lidt(Translator& t, unsigned which) {
  if (t.needs_cpl0()) return;
  const unsigned base_bits = control_bits_of(t);
  const Value address = t.memory_address(2 + base_bits / 8);
  const Value limit = t.load(Type::i16, address);
  Value base = t.b.zext(Type::i64, t.load(ir::integer_type(base_bits), t.b.add(address, t.b.i64(2))));
  if (t.insn.operand_bits == 16 && base_bits == 32) base = t.b.and_(base, t.b.i64(0xffffff));
  t.call(helpers::load_table, {t.b.i8(which), base, limit});
}

void lmsw(Translator& t) {
  if (t.needs_cpl0()) return;
  t.call(helpers::load_msw, {t.load_rm(16)});
  t.end_after_this();
}

void invlpg(Translator& t) {
  if (t.needs_cpl0()) return;
  const Value offset = t.effective_address();
  const SegmentName segment = t.data_segment(t.insn.has_base && (t.insn.base & 7) == rsp ? ss : ds);
  const bool has_base = t.mode.code_bits != 64 || segment == fs || segment == gs;
  const Value base = t.b.get(segment_base_slot(segment));
  t.call(helpers::invalidate_page, {has_base ? t.b.add(base, offset) : offset});
  t.end_after_this();
}

void set_edx_eax(Translator& t, Value value) {
  t.set_gpr(rax, t.b.trunc(Type::i32, value));
  t.set_gpr(rdx, t.b.trunc(Type::i32, t.b.shr(value, t.b.i8(32))));
}

void xgetbv(Translator& t) {
  if (!t.mode.xsave) return t.invalid();
  set_edx_eax(t, t.call(helpers::read_xcr, {t.gpr(rcx, 32)}));
}

void xsetbv(Translator& t) {
  if (!t.mode.xsave) return t.invalid();
  if (t.needs_cpl0()) return;
  const Value high = t.b.shl(t.b.zext(Type::i64, t.gpr(rdx, 32)), t.b.i8(32));
  t.call(helpers::write_xcr, {t.gpr(rcx, 32), t.b.or_(high, t.b.zext(Type::i64, t.gpr(rax, 32)))});
  t.end_after_this();
}

void rdtscp(Translator& t) {
  const Value ticks = t.call(helpers::read_tsc, {});
  set_edx_eax(t, ticks);
  t.set_gpr(rcx, t.b.trunc(Type::i32, t.b.get(slot_tsc_aux)));
}

/// What follows is translated for the new mode: these stand around each access to a user's memory, in one run of code.
void clac_stac(Translator& t, bool value) {
  if (t.mode.cpl != 0 || !t.mode.protected_) return t.invalid();
  constexpr auto ac = static_cast<uint32_t>(Rflags::ac);
  const Value flags = t.b.get(slot_system_flags);
  t.b.set(slot_system_flags, value ? t.b.or_(flags, t.b.i32(ac)) : t.b.and_(flags, t.b.i32(~ac)));
  if (t.mode.one_by_one()) return t.end_after_this();
  t.change_ac(value && t.mode.smap);
}

void swapgs(Translator& t) {
  const Value outside = t.b.get(slot_kernel_gs_base);
  t.b.set(slot_kernel_gs_base, t.b.get(segment_base_slot(gs)));
  t.b.set(segment_base_slot(gs), outside);
}

bool group7_register(Translator& t) {
  switch (t.insn.reg << 3 | t.insn.rm) {
    case 0x0a: clac_stac(t, false); return true;
    case 0x0b: clac_stac(t, true); return true;
    case 0x10: xgetbv(t); return true;
    case 0x11: xsetbv(t); return true;
    case 0x38:
      if (t.mode.code_bits != 64) return false;
      if (!t.needs_cpl0()) swapgs(t);
      return true;
    case 0x39: rdtscp(t); return true;
    default: return false;
  }
}

bool group7(Translator& t) {
  switch (t.insn.reg) {
    case 4: store_word(t, t.call(helpers::store_msw, {})); return true;
    case 6: lmsw(t); return true;
    default: break;
  }
  if (t.insn.is_register_form()) return group7_register(t);
  switch (t.insn.reg) {
    case 0: sgdt_sidt(t, which_gdtr); return true;
    case 1: sgdt_sidt(t, which_idtr); return true;
    case 2: lgdt_lidt(t, which_gdtr); return true;
    case 3: lgdt_lidt(t, which_idtr); return true;
    case 7: invlpg(t); return true;
    default: return false;
  }
}

/// LAR and LSL: the destination changes only where the helper says that its value is valid (bit 32).
void lar_lsl(Translator& t, const ir::Helper& helper) {
  if (!uses_descriptors(t)) return t.invalid();
  const Value answer = t.call(helper, {t.load_rm(16)});
  const Value valid = t.b.trunc(Type::i1, t.b.shr(answer, t.b.i8(32)));
  const unsigned bits = t.insn.operand_bits;
  const Value fresh = t.b.trunc(ir::integer_type(bits), t.b.and_(answer, t.b.i64(0xffffffff)));
  t.set_gpr(t.insn.reg_number(), t.b.select(valid, fresh, t.gpr(t.insn.reg_number(), bits)));
  set_zero_flag(t, valid);
}

/// ARPL: the destination's RPL is raised to the source's.
void arpl(Translator& t) {
  const Value to = t.load_rm(16, true);
  const Value rpl = t.b.and_(t.gpr(t.insn.reg_number(), 16), t.b.i16(3));
  const Value lower = t.b.lt_u(t.b.and_(to, t.b.i16(3)), rpl);
  t.store_rm(t.b.select(lower, t.b.or_(t.b.and_(to, t.b.i16(0xfffc)), rpl), to));
  set_zero_flag(t, lower);
}

// System calls

void syscall(Translator& t) { t.b.exit_indirect(t.call(helpers::syscall_enter, {t.pc_value(t.next_pc())})); }

void sysret(Translator& t) { t.b.exit_indirect(t.call(helpers::syscall_return, {t.b.i8(t.insn.rex_w ? 64 : 32)})); }

void sysexit(Translator& t) { t.b.exit_indirect(t.call(helpers::sysexit, {t.b.i8(t.insn.rex_w ? 64 : 32)})); }

// Control and debug registers. The operand is always a register, whatever mod says.

bool mov_cr(Translator& t, bool write) {
  const unsigned number = t.insn.reg_number();
  if (number != 0 && number != 2 && number != 3 && number != 4 && number != 8) return false;
  if (t.needs_cpl0()) return true;
  if (!write) {
    const Value value = t.call(helpers::read_cr, {t.b.i8(number)});
    t.set_gpr(t.insn.rm_number(), t.b.trunc(ir::integer_type(control_bits_of(t)), value));
    return true;
  }
  const Value value = t.b.zext(Type::i64, t.gpr(t.insn.rm_number(), control_bits_of(t)));
  t.call(helpers::write_cr, {t.b.i8(number), value});
  t.end_after_this();
  return true;
}

bool mov_dr(Translator& t, bool write) {
  if (t.insn.rex_r) return false;
  if (t.needs_cpl0()) return true;
  if (!write) {
    const Value value = t.call(helpers::read_dr, {t.b.i8(t.insn.reg)});
    t.set_gpr(t.insn.rm_number(), t.b.trunc(ir::integer_type(control_bits_of(t)), value));
    return true;
  }
  const Value value = t.b.zext(Type::i64, t.gpr(t.insn.rm_number(), control_bits_of(t)));
  t.call(helpers::write_dr, {t.b.i8(t.insn.reg), value});
  t.end_after_this();
  return true;
}

void wrmsr(Translator& t) {
  if (t.needs_cpl0()) return;
  t.call(helpers::write_msr, {});
  t.end_after_this();
}

void rdmsr(Translator& t) {
  if (t.needs_cpl0()) return;
  t.call(helpers::read_msr, {});
}

void clts(Translator& t) {
  if (t.needs_cpl0()) return;
  t.call(helpers::clear_ts, {});
  t.end_after_this();
}

/// INVD and WBINVD: there is no cache to write back.
void wbinvd(Translator& t) { t.needs_cpl0(); }

// FSGSBASE, RDRAND and the like

bool fsgsbase(Translator& t) {
  if (t.mode.code_bits != 64 || t.insn.simd_prefix != 0xf3 || !t.insn.is_register_form() || t.insn.reg > 3) {
    return false;
  }
  const auto slot = segment_base_slot(t.insn.reg & 1 ? gs : fs);
  const unsigned bits = t.insn.rex_w ? 64 : 32;
  t.call(helpers::check_fsgsbase, {});
  if (t.insn.reg < 2) {
    t.set_gpr(t.insn.rm_number(), t.b.trunc(ir::integer_type(bits), t.b.get(slot)));
    return true;
  }
  const Value base = t.b.zext(Type::i64, t.gpr(t.insn.rm_number(), bits));
  t.call(helpers::check_canonical, {base});
  t.b.set(slot, base);
  return true;
}

/// RDRAND and RDSEED always have a number ready: CF is set, the other flags are clear.
void rdrand(Translator& t) {
  const Value number = t.call(helpers::random, {});
  t.set_gpr(t.insn.rm_number(), t.b.trunc(ir::integer_type(t.insn.operand_bits), number));
  t.set_flags(t.b.i32(ir::Flag::carry));
}

bool group9(Translator& t) {
  if (!t.insn.is_register_form()) return false;
  if (t.insn.reg == 6 || (t.insn.reg == 7 && t.insn.simd_prefix != 0xf3)) return rdrand(t), true;
  return false;
}

bool invpcid(Translator& t) {
  if (t.insn.opcode != 0x82 || t.insn.simd_prefix != 0x66 || t.insn.is_register_form()) return false;
  if (!t.cpuid.long_mode()) return false;
  if (t.needs_cpl0()) return true;
  const Value type = t.b.zext(Type::i64, t.gpr(t.insn.reg_number(), control_bits_of(t)));
  t.call(helpers::invalidate_pcid, {type, t.memory_address(16)});
  t.end_after_this();
  return true;
}

bool translate_0f(Translator& t) {
  switch (t.insn.opcode) {
    case 0x00: return group6(t);
    case 0x01: return group7(t);
    case 0x02: lar_lsl(t, helpers::load_access_rights); return true;
    case 0x03: lar_lsl(t, helpers::load_segment_limit); return true;
    case 0x05: syscall(t); return true;
    case 0x06: clts(t); return true;
    case 0x07: sysret(t); return true;
    case 0x08:
    case 0x09: wbinvd(t); return true;
    case 0x20: return mov_cr(t, false);
    case 0x21: return mov_dr(t, false);
    case 0x22: return mov_cr(t, true);
    case 0x23: return mov_dr(t, true);
    case 0x30: wrmsr(t); return true;
    case 0x31: set_edx_eax(t, t.call(helpers::read_tsc, {})); return true;
    case 0x32: rdmsr(t); return true;
    case 0x33: t.general_protection(); return true;  // RDPMC: there are no counters
    case 0x34: t.b.exit_indirect(t.call(helpers::sysenter, {})); return true;
    case 0x35: sysexit(t); return true;
    case 0xa2: t.call(helpers::cpuid, {}); return true;
    case 0xae: return fsgsbase(t);
    case 0xc7: return group9(t);
    default: return false;
  }
}

}  // namespace

bool translate_system(Translator& t) {
  switch (t.insn.map) {
    case Map::primary:  // 63
      if (!uses_descriptors(t)) return false;
      return arpl(t), true;
    case Map::map_0f: return translate_0f(t);
    case Map::map_0f38: return invpcid(t);
    default: return false;
  }
}

}  // namespace strata::isa::x86

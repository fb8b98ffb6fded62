// Model-specific registers (SDM vol. 4, AMD APM vol. 2, appendix A).
#include "isa/x86/helpers/define.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/control_registers.h"
#include "isa/x86/system/paging.h"
#include "isa/x86/system/pvclock.h"
#include "isa/x86/system/register_helpers.h"

namespace strata::isa::x86 {
namespace {

enum Msr : uint32_t {
  msr_tsc = 0x10,
  msr_platform_id = 0x17,
  msr_tsc_adjust = 0x3b,
  msr_spec_ctrl = 0x48,
  msr_pred_cmd = 0x49,
  msr_microcode = 0x8b,
  msr_mtrr_cap = 0xfe,
  msr_sysenter_cs = 0x174,
  msr_sysenter_esp = 0x175,
  msr_sysenter_eip = 0x176,
  msr_mcg_cap = 0x179,
  msr_mcg_status = 0x17a,
  msr_misc_enable = 0x1a0,
  msr_debug_ctl = 0x1d9,
  msr_mtrr_variable = 0x200,
  msr_mtrr_fixed_64k = 0x250,
  msr_mtrr_fixed_16k = 0x258,
  msr_mtrr_fixed_4k = 0x268,
  msr_tsc_deadline = 0x6e0,
  msr_amd_int_pending = 0xc0010055,
  msr_pat = 0x277,
  msr_mtrr_default = 0x2ff,
  msr_efer = 0xc0000080,
  msr_star = 0xc0000081,
  msr_lstar = 0xc0000082,
  msr_cstar = 0xc0000083,
  msr_syscall_mask = 0xc0000084,
  msr_fs_base = 0xc0000100,
  msr_gs_base = 0xc0000101,
  msr_kernel_gs_base = 0xc0000102,
  msr_tsc_aux = 0xc0000103,
  msr_amd_syscfg = 0xc0010010,
  msr_amd_hwcr = 0xc0010015,
  msr_amd_nb_cfg = 0xc001001f,
  msr_amd_tseg = 0xc0010112,
  msr_amd_osvw_count = 0xc0010140,
  msr_amd_osvw_status = 0xc0010141,
  msr_amd_decode_cfg = 0xc0011029,
};

constexpr unsigned variable_mtrrs = 8;

/// Where a plain register of 64 bits without rules of its own is kept; nullptr where the number is no such.
uint64_t* plain_register(State& s, uint32_t index) {
  if (index >= msr_mtrr_variable && index < msr_mtrr_variable + 2 * variable_mtrrs) {
    return &s.mtrr_variable[index - msr_mtrr_variable];
  }
  if (index >= msr_mtrr_fixed_4k && index < msr_mtrr_fixed_4k + 8) return &s.mtrr_fixed[3 + index - msr_mtrr_fixed_4k];
  switch (index) {
    case msr_mtrr_fixed_64k: return &s.mtrr_fixed[0];
    case msr_mtrr_fixed_16k: return &s.mtrr_fixed[1];
    case msr_mtrr_fixed_16k + 1: return &s.mtrr_fixed[2];
    case msr_mtrr_default: return &s.mtrr_default_type;
    case msr_sysenter_cs: return &s.sysenter_cs;
    case msr_misc_enable: return &s.misc_enable;
    case msr_star: return &s.star;
    case msr_syscall_mask: return &s.syscall_mask;
    case msr_tsc_aux: return &s.tsc_aux;
    default: return nullptr;
  }
}

/// Registers that hold linear addresses and take canonical ones only.
uint64_t* address_register(State& s, uint32_t index) {
  switch (index) {
    case msr_sysenter_esp: return &s.sysenter_esp;
    case msr_sysenter_eip: return &s.sysenter_eip;
    case msr_lstar: return &s.lstar;
    case msr_cstar: return &s.cstar;
    case msr_fs_base: return &s.segment[fs].base;
    case msr_gs_base: return &s.segment[gs].base;
    case msr_kernel_gs_base: return &s.kernel_gs_base;
    default: return nullptr;
  }
}

/// Registers of real processors that operating systems read without asking, and that are zero here. Writes are taken
/// and forgotten, as the features that they steer are not offered.
bool reads_as_zero(uint32_t index) {
  switch (index) {
    case msr_platform_id:
    case msr_microcode:
    case msr_mcg_cap:
    case msr_mcg_status:
    case msr_debug_ctl:
    case msr_pred_cmd:
    case msr_amd_syscfg:
    case msr_amd_hwcr:
    case msr_amd_nb_cfg:
    case msr_amd_int_pending:
    case msr_amd_tseg:
    case msr_amd_osvw_count:
    case msr_amd_osvw_status:
    case msr_amd_decode_cfg: return true;
    default: return false;
  }
}

bool is_valid_pat(uint64_t value) {
  for (unsigned i = 0; i < 8; i++, value >>= 8) {
    const unsigned type = value & 0xff;
    if (type > 7 || type == 2 || type == 3) return false;
  }
  return true;
}

/// A deadline in the guest's time stamp counter and in the one that the local APIC counts, which knows nothing of what
/// the guest has added to its own. Zero is no deadline in both.
uint64_t shifted_deadline(uint64_t deadline, uint64_t by) { return deadline == 0 ? 0 : deadline + by; }

bool read_register(Cpu& cpu, uint32_t index, uint64_t& value) {
  State& s = cpu.state;
  if (cpu.interrupts && cpu.interrupts->read_msr(index, &value)) {
    if (index == msr_tsc_deadline) value = shifted_deadline(value, s.tsc_offset);
    return true;
  }
  if (read_pvclock(cpu, index, value)) return true;
  if (const uint64_t* plain = plain_register(s, index)) return value = *plain, true;
  if (const uint64_t* address = address_register(s, index)) return value = *address, true;
  switch (index) {
    case msr_tsc: value = cpu.host->ticks() + s.tsc_offset; return true;
    case msr_tsc_adjust: value = s.tsc_offset; return true;  // what was added since reset, by either register
    case msr_pat: value = s.pat; return true;
    case msr_efer: value = s.efer; return true;
    case msr_mtrr_cap: value = variable_mtrrs | 1u << 8 | 1u << 10; return true;  // fixed ones and write combining
    case msr_spec_ctrl: value = cpu.spec_ctrl; return true;
    default: value = 0; return reads_as_zero(index);
  }
}

bool write_register(Cpu& cpu, uint32_t index, uint64_t value) {
  State& s = cpu.state;
  const uint64_t for_controller = index == msr_tsc_deadline ? shifted_deadline(value, -s.tsc_offset) : value;
  if (cpu.interrupts && cpu.interrupts->write_msr(index, for_controller)) return true;
  if (write_pvclock(cpu, index, value)) return true;
  if (uint64_t* plain = plain_register(s, index)) return *plain = value, true;
  if (uint64_t* address = address_register(s, index)) return is_canonical(value) && (*address = value, true);
  switch (index) {
    case msr_tsc: s.tsc_offset = value - cpu.host->ticks(); return update_pvclock(cpu), true;
    case msr_tsc_adjust: s.tsc_offset = value; return update_pvclock(cpu), true;
    case msr_pat: return is_valid_pat(value) && (s.pat = value, true);
    case msr_efer: return write_efer(cpu, value);
    case msr_spec_ctrl: return value <= 7 && (cpu.spec_ctrl = value, true);
    default: return reads_as_zero(index);
  }
}

uint64_t read_msr(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  State& s = cpu.state;
  uint64_t value;
  if (!read_register(cpu, static_cast<uint32_t>(s.gpr[rcx]), value)) return raise(cpu, vector_gp, 0);
  s.gpr[rax] = value & 0xffffffff;
  s.gpr[rdx] = value >> 32;
  return 0;
}

uint64_t write_msr(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  const State& s = cpu.state;
  const uint64_t value = (s.gpr[rdx] << 32) | (s.gpr[rax] & 0xffffffff);
  if (!write_register(cpu, static_cast<uint32_t>(s.gpr[rcx]), value)) return raise(cpu, vector_gp, 0);
  return 0;
}

uint64_t read_tsc(ir::ExecContext& context) {
  Cpu& cpu = Cpu::of(context);
  const State& s = cpu.state;
  if ((s.cr4 & Cr4::tsd) && s.cpl != 0) return raise(cpu, vector_gp, 0);
  return cpu.host->ticks() + s.tsc_offset;
}

}  // namespace

namespace helpers {
using ir::Type;
const ir::Helper read_msr = define_helper("rdmsr", x86::read_msr, Type::none, {});
const ir::Helper write_msr = define_helper("wrmsr", x86::write_msr, Type::none, {});
const ir::Helper read_tsc = define_helper("rdtsc", x86::read_tsc, Type::i64, {});
}  // namespace helpers

}  // namespace strata::isa::x86

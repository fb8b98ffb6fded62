// CR0, CR3, CR4, CR8, XCR0 and EFER (SDM vol. 3, 2.5; 4.1; 10.8.5).
#include "isa/x86/system/control_registers.h"

#include "isa/x86/helpers/define.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/descriptor.h"
#include "isa/x86/system/paging.h"
#include "isa/x86/system/register_helpers.h"

namespace strata::isa::x86 {
namespace {

/// Entering long mode wants PAE, and a code segment that is not already 64-bit (SDM vol. 3, 10.8.5).
bool switch_long_mode(Cpu& cpu, bool paging) {
  State& s = cpu.state;
  if (paging && (s.efer & Efer::lme)) {
    if (!(s.cr4 & Cr4::pae) || (s.segment[cs].attributes & SegmentAttribute::long_)) return fault(cpu, vector_gp, 0);
    s.efer |= Efer::lma;
  } else if (!paging && (s.efer & Efer::lma)) {
    if (in_64bit_code(s)) return fault(cpu, vector_gp, 0);
    s.efer &= ~Efer::lma;
  }
  return true;
}

uint64_t read_cr(ir::ExecContext& context, uint64_t number) {
  Cpu& cpu = Cpu::of(context);
  const State& s = cpu.state;
  switch (number) {
    case 0: return s.cr0;
    case 2: return s.cr2;
    case 3: return s.cr3;
    case 4: return s.cr4;
    case 8: return cpu.interrupts ? cpu.interrupts->priority() : s.cr8;
    default: return raise(cpu, vector_ud);
  }
}

bool write_cr8(Cpu& cpu, uint64_t value) {
  if (value > 15) return fault(cpu, vector_gp, 0);
  cpu.state.cr8 = value;
  if (cpu.interrupts) cpu.interrupts->set_priority(static_cast<uint8_t>(value));
  return true;
}

bool write_cr_number(Cpu& cpu, uint64_t number, uint64_t value) {
  switch (number) {
    case 0: return write_cr0(cpu, value);
    case 2: cpu.state.cr2 = value; return true;
    case 3: return write_cr3(cpu, value);
    case 4: return write_cr4(cpu, value);
    case 8: return write_cr8(cpu, value);
    default: return fault(cpu, vector_ud);
  }
}

uint64_t write_cr(ir::ExecContext& context, uint64_t number, uint64_t value) {
  Cpu& cpu = Cpu::of(context);
  if (!write_cr_number(cpu, number, value)) leave(cpu);
  return 0;
}

/// LMSW sets PE but never clears it (SDM vol. 2).
uint64_t load_msw(ir::ExecContext& context, uint64_t value) {
  Cpu& cpu = Cpu::of(context);
  const uint64_t cr0 = cpu.state.cr0;
  if (!write_cr0(cpu, (cr0 & ~uint64_t{0xe}) | (value & 0xf) | (cr0 & Cr0::pe))) leave(cpu);
  return 0;
}

uint64_t clear_ts(ir::ExecContext& context) {
  Cpu::of(context).state.cr0 &= ~Cr0::ts;
  return 0;
}

uint64_t read_xcr(ir::ExecContext& context, uint64_t number) {
  Cpu& cpu = Cpu::of(context);
  if (number != 0) return raise(cpu, vector_gp, 0);
  return cpu.state.xcr0;
}

/// Only x87 and SSE states exist; x87 cannot be switched off.
uint64_t write_xcr(ir::ExecContext& context, uint64_t number, uint64_t value) {
  Cpu& cpu = Cpu::of(context);
  if (number != 0 || !(value & 1) || (value & ~uint64_t{3})) return raise(cpu, vector_gp, 0);
  cpu.state.xcr0 = value;
  return 0;
}

}  // namespace

uint64_t process_context(const State& state) { return state.cr4 & Cr4::pcide ? state.cr3 & 0xfff : 0; }

bool write_cr0(Cpu& cpu, uint64_t value) {
  State& s = cpu.state;
  if (in_64bit_code(s) && value >> 32) return fault(cpu, vector_gp, 0);
  constexpr uint64_t known =
      Cr0::pe | Cr0::mp | Cr0::em | Cr0::ts | Cr0::ne | Cr0::wp | Cr0::am | Cr0::nw | Cr0::cd | Cr0::pg;
  value = (value & known) | Cr0::et;
  if ((value & Cr0::pg) && !(value & Cr0::pe)) return fault(cpu, vector_gp, 0);
  if ((value & Cr0::nw) && !(value & Cr0::cd)) return fault(cpu, vector_gp, 0);
  if (!(value & Cr0::pg) && (s.cr4 & Cr4::pcide)) return fault(cpu, vector_gp, 0);
  const uint64_t changed = s.cr0 ^ value;
  if ((changed & Cr0::pg) && !switch_long_mode(cpu, value & Cr0::pg)) return false;
  s.cr0 = value;
  if (changed & (Cr0::pg | Cr0::wp | Cr0::pe)) cpu.host->flush_mappings(true);
  return true;
}

bool write_cr3(Cpu& cpu, uint64_t value) {
  State& s = cpu.state;
  // Bit 63 says "keep the entries", and is not kept itself (SDM vol. 3, 4.10.4.1).
  const bool pcid = s.cr4 & Cr4::pcide, keep = pcid && (value >> 63) != 0;
  if (pcid) value &= ~(uint64_t{1} << 63);
  if (in_long_mode(s) && (value >> physical_bits)) return fault(cpu, vector_gp, 0);
  if (!in_long_mode(s)) value &= 0xffffffff;
  s.cr3 = value;
  cpu.host->switch_address_space(process_context(s), keep);
  return true;
}

bool write_cr4(Cpu& cpu, uint64_t value) {
  State& s = cpu.state;
  if (value & ~Cr4::known) return fault(cpu, vector_gp, 0);
  const uint64_t changed = s.cr4 ^ value;
  if (in_long_mode(s) && !(value & Cr4::pae)) return fault(cpu, vector_gp, 0);
  const bool pcid_begins = changed & value & Cr4::pcide;
  if (pcid_begins && (!in_long_mode(s) || (s.cr3 & 0xfff))) return fault(cpu, vector_gp, 0);
  s.cr4 = value;
  if (changed & (Cr4::pse | Cr4::pae | Cr4::pge | Cr4::smep | Cr4::smap | Cr4::pcide)) cpu.host->flush_mappings(true);
  if (changed & Cr4::pcide) cpu.host->switch_address_space(process_context(s), true);
  return true;
}

bool write_efer(Cpu& cpu, uint64_t value) {
  State& s = cpu.state;
  uint64_t known = Efer::sce | Efer::lma | Efer::nxe | Efer::automatic_ibrs;
  if (cpu.cpuid.long_mode()) known |= Efer::lme;
  if (value & ~known) return fault(cpu, vector_gp, 0);
  const uint64_t changed = s.efer ^ value;
  if ((changed & Efer::lme) && (s.cr0 & Cr0::pg)) return fault(cpu, vector_gp, 0);
  s.efer = (value & ~Efer::lma) | (s.efer & Efer::lma);
  if (changed & Efer::nxe) cpu.host->flush_mappings(true);
  return true;
}

namespace helpers {
using ir::Type;
const ir::Helper read_cr = define_helper("read_cr", x86::read_cr, Type::i64, {Type::i8});
const ir::Helper write_cr = define_helper("write_cr", x86::write_cr, Type::none, {Type::i8, Type::i64});
const ir::Helper load_msw = define_helper("lmsw", x86::load_msw, Type::none, {Type::i16});
const ir::Helper clear_ts = define_helper("clts", x86::clear_ts, Type::none, {});
const ir::Helper read_xcr = define_helper("xgetbv", x86::read_xcr, Type::i64, {Type::i32});
const ir::Helper write_xcr = define_helper("xsetbv", x86::write_xcr, Type::none, {Type::i32, Type::i64});
}  // namespace helpers

}  // namespace strata::isa::x86

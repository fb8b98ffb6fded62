// Power-on values, and registers handed in and out.
#include "isa/x86/registers.h"

#include <algorithm>

#include "isa/x86/host_float.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/debug.h"

namespace strata::isa::x86 {
namespace {

constexpr uint64_t pat_at_reset = 0x0007040600070406;

iface::X86Segment handed_out(const Segment& s) { return {s.selector, s.attributes, s.limit, s.base}; }
Segment taken_in(const iface::X86Segment& s) { return {s.base, s.limit, s.selector, s.attributes}; }

}  // namespace

void init_registers(State& state) {
  state.gpr = {};
  state.gpr[rdx] = 0x00060fb1;
  state.rip = 0xfff0;
  state.flags = 0;
  state.system_flags = Rflags::fixed;
  for (Segment& segment : state.segment) segment = {0, 0xffff, 0, 0x93};
  state.segment[cs] = {0xffff0000, 0xffff, 0xf000, 0x9b};
  state.ldtr = {0, 0xffff, 0, 0x82};
  state.tr = {0, 0xffff, 0, 0x8b};
  state.gdtr = state.idtr = {0, 0xffff};
  state.cpl = 0;
  state.cr0 = (state.cr0 & (Cr0::cd | Cr0::nw)) | Cr0::et;
  state.cr2 = state.cr3 = state.cr4 = state.cr8 = state.efer = 0;
  state.dr = {};
  state.dr[6] = Dr6::fixed;
  state.dr[7] = Dr7::fixed;
  state.pvclock = 0;  // no register of the processor's: it must not write to what is other memory by now
  state.interrupt_shadow = 0;
  state.halted = state.nmi_blocked = false;
  state.event = {};
}

void start_up_registers(State& state, uint8_t page) {
  state.segment[cs].selector = static_cast<uint16_t>(page << 8);
  state.segment[cs].base = uint64_t{page} << 12;
  state.rip = 0;
}

void reset_registers(State& state) {
  state = State{};
  state.cr0 = Cr0::cd | Cr0::nw;
  init_registers(state);
  state.xcr0 = 1;
  state.pat = pat_at_reset;
  state.mxcsr = host_float::Mxcsr::reset;
  state.x87.control = 0x37f;
  state.misc_enable = 1;  // fast strings
}

iface::X86Registers read_registers(const State& state) {
  iface::X86Registers r;
  r.gpr = state.gpr.all();
  r.rip = state.rip;
  r.rflags = rflags(state);
  r.es = handed_out(state.segment[es]);
  r.cs = handed_out(state.segment[cs]);
  r.ss = handed_out(state.segment[ss]);
  r.ds = handed_out(state.segment[ds]);
  r.fs = handed_out(state.segment[fs]);
  r.gs = handed_out(state.segment[gs]);
  r.ldtr = handed_out(state.ldtr);
  r.tr = handed_out(state.tr);
  r.gdtr = {state.gdtr.base, state.gdtr.limit};
  r.idtr = {state.idtr.base, state.idtr.limit};
  r.cr0 = state.cr0;
  r.cr2 = state.cr2;
  r.cr3 = state.cr3;
  r.cr4 = state.cr4;
  r.cr8 = state.cr8;
  r.efer = state.efer;
  return r;
}

void write_registers(State& state, const iface::X86Registers& r) {
  state.gpr.set_all(r.gpr);
  state.rip = r.rip;
  set_rflags(state, r.rflags);
  state.segment[es] = taken_in(r.es);
  state.segment[cs] = taken_in(r.cs);
  state.segment[ss] = taken_in(r.ss);
  state.segment[ds] = taken_in(r.ds);
  state.segment[fs] = taken_in(r.fs);
  state.segment[gs] = taken_in(r.gs);
  state.ldtr = taken_in(r.ldtr);
  state.tr = taken_in(r.tr);
  state.gdtr = {r.gdtr.base, r.gdtr.limit};
  state.idtr = {r.idtr.base, r.idtr.limit};
  state.cr0 = r.cr0 | Cr0::et;
  state.cr2 = r.cr2;
  state.cr3 = r.cr3;
  state.cr4 = r.cr4;
  state.cr8 = r.cr8;
  state.efer = r.efer;
  const bool is_vm86 = state.system_flags & Rflags::vm;
  state.cpl = is_vm86 ? 3 : state.cr0 & Cr0::pe ? state.segment[ss].attributes >> 5 & 3 : 0;
}

}  // namespace strata::isa::x86

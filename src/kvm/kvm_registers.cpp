// Registers of a KVM processor.
#include "kvm/kvm_registers.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <memory>

#include "base/bits.h"
#include "kvm/kvm_lists.h"

namespace strata::kvm {
namespace {

/// General registers in kvm_regs, in the order of their numbers.
std::array<__u64*, 16> general(kvm_regs& regs) {
  return {&regs.rax, &regs.rcx, &regs.rdx, &regs.rbx, &regs.rsp, &regs.rbp, &regs.rsi, &regs.rdi,
          &regs.r8,  &regs.r9,  &regs.r10, &regs.r11, &regs.r12, &regs.r13, &regs.r14, &regs.r15};
}

iface::X86Segment from_kvm(const kvm_segment& s) {
  const unsigned attributes =
      s.type | s.s << 4 | s.dpl << 5 | s.present << 7 | s.avl << 12 | s.l << 13 | s.db << 14 | s.g << 15;
  return {.selector = s.selector, .attributes = static_cast<uint16_t>(attributes), .limit = s.limit, .base = s.base};
}

kvm_segment to_kvm(const iface::X86Segment& s) {
  const auto bits = [&](unsigned low, unsigned width) {
    return static_cast<__u8>(extract_bits(s.attributes, low, width));
  };
  kvm_segment out = {};
  out.base = s.base;
  out.limit = s.limit;
  out.selector = s.selector;
  out.type = bits(0, 4);
  out.s = bits(4, 1);
  out.dpl = bits(5, 2);
  out.present = bits(7, 1);
  out.avl = bits(12, 1);
  out.l = bits(13, 1);
  out.db = bits(14, 1);
  out.g = bits(15, 1);
  out.unusable = out.present == 0;
  return out;
}

iface::X86Table from_kvm(const kvm_dtable& t) { return {.base = t.base, .limit = t.limit}; }
kvm_dtable to_kvm(const iface::X86Table& t) { return {.base = t.base, .limit = t.limit, .padding = {}}; }

/// Model-specific registers that the guest sets and KVM keeps.
constexpr std::array<uint32_t, 17> saved_msrs = {
    0x10,                                            // TSC
    0x174,      0x175,      0x176,                   // SYSENTER
    0x1a0,                                           // misc enable
    0x277,                                           // PAT
    0x2ff,                                           // MTRR default type
    0xc0000080,                                      // EFER
    0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,  // SYSCALL
    0xc0000100, 0xc0000101, 0xc0000102,              // FS, GS, kernel GS
    0xc0000103,                                      // TSC_AUX
    0x48,                                            // SPEC_CTRL
};

using Msrs = List<kvm_msr_entry, saved_msrs.size()>;

/// KVM refuses MSRs that the host has not: one at a time, and those that work are kept.
void read_msrs(int vcpu, Msrs& msrs) {
  uint32_t count = 0;
  for (const uint32_t index : saved_msrs) {
    Msrs one = {};
    one.count = 1;
    one.entries[0].index = index;
    if (::ioctl(vcpu, get_msrs, &one) == 1) msrs.entries[count++] = one.entries[0];
  }
  msrs.count = count;
}

/// All that a processor is, in one piece of memory.
struct State {
  static constexpr uint32_t current_version = 1;
  uint32_t version = current_version;
  uint32_t size = sizeof(State);
  kvm_regs regs;
  kvm_sregs sregs;
  kvm_debugregs debug;
  kvm_xcrs xcrs;
  kvm_vcpu_events events;
  XsaveArea xsave;
  Msrs msrs;
};

}  // namespace

iface::X86Registers get_registers(int vcpu) {
  kvm_regs regs = {};
  kvm_sregs sregs = {};
  ::ioctl(vcpu, KVM_GET_REGS, &regs);
  ::ioctl(vcpu, KVM_GET_SREGS, &sregs);
  iface::X86Registers out;
  const auto from = general(regs);
  for (size_t i = 0; i < from.size(); ++i) out.gpr[i] = *from[i];
  out.rip = regs.rip;
  out.rflags = regs.rflags;
  out.es = from_kvm(sregs.es);
  out.cs = from_kvm(sregs.cs);
  out.ss = from_kvm(sregs.ss);
  out.ds = from_kvm(sregs.ds);
  out.fs = from_kvm(sregs.fs);
  out.gs = from_kvm(sregs.gs);
  out.ldtr = from_kvm(sregs.ldt);
  out.tr = from_kvm(sregs.tr);
  out.gdtr = from_kvm(sregs.gdt);
  out.idtr = from_kvm(sregs.idt);
  out.cr0 = sregs.cr0;
  out.cr2 = sregs.cr2;
  out.cr3 = sregs.cr3;
  out.cr4 = sregs.cr4;
  out.cr8 = sregs.cr8;
  out.efer = sregs.efer;
  return out;
}

void set_registers(int vcpu, const iface::X86Registers& registers) {
  kvm_regs regs = {};
  kvm_sregs sregs = {};
  ::ioctl(vcpu, KVM_GET_SREGS, &sregs);  // what is not in X86Registers stays
  const auto to = general(regs);
  for (size_t i = 0; i < to.size(); ++i) *to[i] = registers.gpr[i];
  regs.rip = registers.rip;
  regs.rflags = registers.rflags;
  sregs.es = to_kvm(registers.es);
  sregs.cs = to_kvm(registers.cs);
  sregs.ss = to_kvm(registers.ss);
  sregs.ds = to_kvm(registers.ds);
  sregs.fs = to_kvm(registers.fs);
  sregs.gs = to_kvm(registers.gs);
  sregs.ldt = to_kvm(registers.ldtr);
  sregs.tr = to_kvm(registers.tr);
  sregs.gdt = to_kvm(registers.gdtr);
  sregs.idt = to_kvm(registers.idtr);
  sregs.cr0 = registers.cr0;
  sregs.cr2 = registers.cr2;
  sregs.cr3 = registers.cr3;
  sregs.cr4 = registers.cr4;
  sregs.cr8 = registers.cr8;
  sregs.efer = registers.efer;
  ::ioctl(vcpu, KVM_SET_SREGS, &sregs);
  ::ioctl(vcpu, KVM_SET_REGS, &regs);
}

std::string describe_registers(const iface::X86Registers& registers) {
  constexpr std::array<const char*, 16> names = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                                 "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  std::string text = fmt::format("rip={:016x} rflags={:08x} cs={:04x} ss={:04x}\n", registers.rip, registers.rflags,
                                 registers.cs.selector, registers.ss.selector);
  for (size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{:>3}={:016x}{}", names[i], registers.gpr[i], i % 4 == 3 ? '\n' : ' ');
  }
  return text + fmt::format("cr0={:08x} cr2={:016x} cr3={:016x} cr4={:08x} efer={:04x}\n", registers.cr0, registers.cr2,
                            registers.cr3, registers.cr4, registers.efer);
}

Result<std::vector<std::byte>> save_vcpu(int vcpu) {
  const auto state = std::make_unique<State>();
  const bool done =
      ::ioctl(vcpu, KVM_GET_REGS, &state->regs) >= 0 && ::ioctl(vcpu, KVM_GET_SREGS, &state->sregs) >= 0 &&
      ::ioctl(vcpu, KVM_GET_DEBUGREGS, &state->debug) >= 0 && ::ioctl(vcpu, KVM_GET_XCRS, &state->xcrs) >= 0 &&
      ::ioctl(vcpu, KVM_GET_VCPU_EVENTS, &state->events) >= 0 && ::ioctl(vcpu, get_xsave, &state->xsave) >= 0;
  if (!done) return fail_errno("reading a KVM processor's state");
  read_msrs(vcpu, state->msrs);
  const auto bytes = std::as_bytes(std::span(state.get(), 1));
  return std::vector(bytes.begin(), bytes.end());
}

Result<void> restore_vcpu(int vcpu, std::span<const std::byte> blob) {
  const auto state = std::make_unique<State>();
  if (blob.size() != sizeof(State)) {
    return fail(ErrorCode::bad_data, "saved state of a KVM processor has {} bytes, {} are right", blob.size(),
                sizeof(State));
  }
  std::memcpy(static_cast<void*>(state.get()), blob.data(), blob.size());
  if (state->version != State::current_version || state->size != sizeof(State) ||
      state->msrs.count > saved_msrs.size()) {
    return fail(ErrorCode::bad_data, "saved state of a KVM processor has version {}, {} is known", state->version,
                State::current_version);
  }
  // KVM checks every value itself. XCR0 before XSAVE, which depends on it.
  const bool done = ::ioctl(vcpu, KVM_SET_SREGS, &state->sregs) >= 0 &&
                    ::ioctl(vcpu, KVM_SET_REGS, &state->regs) >= 0 && ::ioctl(vcpu, KVM_SET_XCRS, &state->xcrs) >= 0 &&
                    ::ioctl(vcpu, set_xsave, &state->xsave) >= 0 && ::ioctl(vcpu, set_msrs, &state->msrs) >= 0 &&
                    ::ioctl(vcpu, KVM_SET_DEBUGREGS, &state->debug) >= 0 &&
                    ::ioctl(vcpu, KVM_SET_VCPU_EVENTS, &state->events) >= 0;
  if (!done) return fail_errno("setting a KVM processor's state");
  return {};
}

}  // namespace strata::kvm

// The registers of an x86 processor that a boot loader sets, a debugger shows and a hypervisor interface exchanges.
#pragma once

#include <array>
#include <cstdint>

#include "iface/vcpu.h"

namespace strata::iface {

/// A segment register with its hidden part. `attributes` as in bits 8..23 of a descriptor's second word:
/// type 0..3, S 4, DPL 5..6, P 7, AVL 12, L 13, D/B 14, G 15. `limit` is in bytes, G already applied.
struct X86Segment {
  uint16_t selector = 0;
  uint16_t attributes = 0;
  uint32_t limit = 0;
  uint64_t base = 0;
};

struct X86Table {
  uint64_t base = 0;
  uint16_t limit = 0;
};

struct X86Registers {
  std::array<uint64_t, 16> gpr = {};  ///< rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15
  uint64_t rip = 0;
  uint64_t rflags = 2;
  X86Segment es, cs, ss, ds, fs, gs, ldtr, tr;
  X86Table gdtr, idtr;
  uint64_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0, cr8 = 0, efer = 0;
};

class X86Vcpu : public Vcpu {
 public:
  virtual X86Registers registers() const = 0;
  virtual void set_registers(const X86Registers& registers) = 0;

  // What local APICs signal besides interrupts. From any thread, with the device lock held.

  /// INIT: most registers as at power-on, and all but the bootstrap processor wait for a SIPI. So they do after reset().
  virtual void init_signal() = 0;
  /// SIPI: a processor that waits for it begins at page << 12 in real mode. For any other it is nothing.
  virtual void start_up(uint8_t page) = 0;
  virtual void nmi() = 0;
};

}  // namespace strata::iface

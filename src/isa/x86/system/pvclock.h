// The paravirtual clock: tells the guest how fast its time stamp counter runs, so that it need not measure.
#pragma once

#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

// The interface is that of Linux's Documentation/virt/kvm/x86/msr.rst, which Linux and the BSDs know. A guest that
// measures instead (against the PIT) measures wrongly whenever the host takes the processor away in the middle.

/// In CPUID leaf 0x40000001: both registers below, their new numbers only; a stable counter; no delays after I/O.
inline constexpr uint32_t pvclock_features = 1u << 1 | 1u << 3 | 1u << 24;

// False: not one of these registers.
bool read_pvclock(const Cpu& cpu, uint32_t msr, uint64_t& value);
bool write_pvclock(Cpu& cpu, uint32_t msr, uint64_t value);

/// After the guest has set its time stamp counter: what it was told must follow.
void update_pvclock(Cpu& cpu);

}  // namespace strata::isa::x86

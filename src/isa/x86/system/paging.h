// Paging: from linear to physical addresses (SDM vol. 3, chapter 4).
#pragma once

#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

/// The physical address width that CPUID gives.
inline constexpr unsigned physical_bits = 40;

/// Whether an address is canonical with 48 bits.
constexpr bool is_canonical(uint64_t address) {
  return static_cast<uint64_t>(static_cast<int64_t>(address << 16) >> 16) == address;
}

/// The walk behind Guest::map. False: the fault is recorded in State::event.
bool map(Cpu& cpu, uint64_t address, ir::Space space, Access access, Mapping& mapping);

}  // namespace strata::isa::x86

// Writing control registers, with all that follows from it.
#pragma once

#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

/// The number of the address space in force: the PCID, 0 without (SDM vol. 3, 4.10.1).
uint64_t process_context(const State& state);

// False: #GP(0) is recorded and nothing has changed.
bool write_cr0(Cpu& cpu, uint64_t value);
bool write_cr3(Cpu& cpu, uint64_t value);
bool write_cr4(Cpu& cpu, uint64_t value);
bool write_efer(Cpu& cpu, uint64_t value);

}  // namespace strata::isa::x86

// Writing control registers, with all that follows from it.
#pragma once

#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

// False: #GP(0) is recorded and nothing has changed.
bool write_cr0(Cpu& cpu, uint64_t value);
bool write_cr3(Cpu& cpu, uint64_t value);
bool write_cr4(Cpu& cpu, uint64_t value);
bool write_efer(Cpu& cpu, uint64_t value);

}  // namespace strata::isa::x86

// Far jumps, calls and returns, and IRET (SDM vol. 2, vol. 3, 5.8 and 6.14).
#pragma once

#include "isa/x86/cpu.h"
#include "isa/x86/system/descriptor.h"

namespace strata::isa::x86 {

// Each sets everything, RIP too, or records a fault, gives false and has changed nothing that the program can see.

bool far_jump(Cpu& cpu, Selector selector, uint64_t offset, uint64_t next_rip);
bool far_call(Cpu& cpu, Selector selector, uint64_t offset, unsigned bits, uint64_t next_rip);
bool far_return(Cpu& cpu, unsigned bits, uint16_t release);
bool interrupt_return(Cpu& cpu, unsigned bits);

}  // namespace strata::isa::x86

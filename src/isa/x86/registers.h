// The state at power-on, and its exchange with iface::X86Registers.
#pragma once

#include "iface/x86_registers.h"
#include "isa/x86/state.h"

namespace strata::isa::x86 {

// SDM vol. 3, table 10-1 and 9.4.4.

void reset_registers(State& state);
/// By an INIT: caches, the x87 unit, XMM registers, XCR0, the time stamp counter and model-specific registers stay.
void init_registers(State& state);
/// By a SIPI behind it.
void start_up_registers(State& state, uint8_t page);

iface::X86Registers read_registers(const State& state);
void write_registers(State& state, const iface::X86Registers& registers);

}  // namespace strata::isa::x86

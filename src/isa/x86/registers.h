// The state at power-on, and its exchange with iface::X86Registers.
#pragma once

#include "iface/x86_registers.h"
#include "isa/x86/state.h"

namespace strata::isa::x86 {

/// SDM vol. 3, table 10-1.
void reset_registers(State& state);

iface::X86Registers read_registers(const State& state);
void write_registers(State& state, const iface::X86Registers& registers);

}  // namespace strata::isa::x86

// The guest's x87 state on the host's own x87 unit, where it stays while guest code uses it.
#pragma once

#include <cstdint>

#include "isa/x86/cpu.h"

namespace strata::isa::x86::x87_unit {

/// IE DE ZE OE UE PE: in the status word what has come up, in the control word what is masked.
inline constexpr uint16_t exceptions = 0x3f;

/// The status word with ES and B as they follow from exceptions that are set and not masked (SDM vol. 1, 8.1.3).
constexpr uint16_t summarized(uint16_t status, uint16_t control) {
  constexpr uint16_t summary = 0x8080;
  return static_cast<uint16_t>(status & ~control & exceptions ? status | summary : status & ~summary);
}

// On the unit (base/float_stack.h) each instruction is the host's same one, exact to the last bit. Exceptions stay masked
// there but for single instructions (x87_helpers.cpp). Pointers to the last instruction are kept in State only: the
// unit's own would be the host's addresses.

/// Puts the state on the unit, if it is not there.
void load(Cpu& cpu);

/// Takes it off the unit into State, if it is there. Whoever looks at State::x87 calls this first; whoever changes it
/// does, for it also means that nothing is known of it any more (X87::place).
void unload(Cpu& cpu);

}  // namespace strata::isa::x86::x87_unit

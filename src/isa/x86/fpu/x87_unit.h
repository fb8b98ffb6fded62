// The guest's x87 state on the host's own x87 unit, where it stays while guest code uses it.
#pragma once

#include <cstdint>

#include "isa/x86/cpu.h"

namespace strata::isa::x86::x87_unit {

// Compiled C++ does not touch the x87 unit (doubles are SSE), so the guest's registers can stay there from one x87
// instruction to the next: each is then the host's same instruction, exact to the last bit. Exceptions stay masked on
// the host; x87_helpers.cpp looks at the flags where the guest has unmasked one. Pointers to the last instruction are
// kept in State only: the unit's own would be the host's addresses.

/// Puts the state on the unit, if it is not there.
void load(Cpu& cpu);

/// Takes it off the unit into State, if it is there. Whoever looks at State::x87 calls this first.
void unload(Cpu& cpu);

/// An instruction of registers only, by its two bytes (D8..DF, C0..FF).
void run(uint8_t opcode, uint8_t modrm);

/// The same under the guest's arithmetic flags (FCMOVcc); gives them as they are behind it (FCOMI).
uint32_t run_with_flags(uint8_t opcode, uint8_t modrm, uint32_t flags);

/// An instruction with a memory operand: opcode D8..DF, the reg field of ModRM, and where the operand is. Not for
/// environments.
void run(uint8_t opcode, uint8_t reg, void* operand);

uint16_t status();
void clear_exceptions();
/// Rounding and precision from the guest's control word; exceptions stay masked.
void set_control(uint16_t control);

}  // namespace strata::isa::x86::x87_unit

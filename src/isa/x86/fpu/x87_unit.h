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

// Compiled C++ does not touch the x87 unit (doubles are SSE), so the guest's registers can stay there from one x87
// instruction to the next: each is then the host's same instruction, exact to the last bit. Exceptions stay masked on
// the host but for single instructions (x87_helpers.cpp). Pointers to the last instruction are
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
/// The guest's control word whole. Where it unmasks an exception, only one instruction may follow before unload().
void set_control(uint16_t control);

}  // namespace strata::isa::x86::x87_unit

// The host's stack of 80-bit floating-point registers (the x87 unit), one call an operation.
#pragma once

#include <cstdint>

namespace strata::float_stack {

// Compiled C++ does not touch these registers (doubles are SSE), so that a guest's can stay there from one operation to
// the next, and from one call into C++ to another.

/// An operation by the two bytes of its instruction, opcode D8..DF first, then ModRM (SDM vol. 2, A.5). With ModRM C0 and
/// up it is one of registers; else its reg field says which one with a memory operand it is, all other bits being 0.
using Operation = uint16_t;
constexpr Operation operation(uint8_t opcode, uint8_t modrm) { return static_cast<Operation>(opcode << 8 | modrm); }
constexpr Operation memory_operation(uint8_t opcode, uint8_t reg) {
  return operation(opcode, static_cast<uint8_t>(reg << 3));
}

/// What an operation does with its memory operand. `control` has to do with control, status, or more than a register.
enum class Operand : uint8_t { none, load16, load32, load64, load80, store16, store32, store64, store80, control };

Operand operand(uint8_t opcode, uint8_t reg);
inline Operand operand(Operation operation) {
  return operand(static_cast<uint8_t>(operation >> 8), operation >> 3 & 7);
}
constexpr bool is_store(Operand operand) { return operand >= Operand::store16 && operand <= Operand::store80; }
/// In bytes; of loads and stores.
constexpr unsigned size(Operand operand) {
  switch (operand) {
    case Operand::load16:
    case Operand::store16: return 2;
    case Operand::load32:
    case Operand::store32: return 4;
    case Operand::load64:
    case Operand::store64: return 8;
    default: return 10;
  }
}

/// An operation of registers only.
void run(Operation operation);

/// The same under the arithmetic flags, in the processor's places (FCMOVcc); gives them as they are behind it (FCOMI).
uint32_t run_with_flags(Operation operation, uint32_t flags);

/// One that loads from memory or stores to it: at least `size` bytes.
void run(Operation operation, void* memory);

uint16_t status();
void set_control(uint16_t control);

/// All of it, as FNSAVE writes it in 32-bit and 64-bit code (SDM vol. 1, figure 8-9). Tags and registers as there.
struct __attribute__((packed)) Image {
  uint32_t control, status, tags;
  uint32_t pointers[4];
  struct __attribute__((packed)) {
    uint64_t significand;
    uint16_t sign_exponent;
  } st[8];
};
static_assert(sizeof(Image) == 108);

/// Empties the unit.
Image take();
/// Where no exception is set and not masked.
void put(const Image& image);

}  // namespace strata::float_stack

// Where a step's operands stand and where its result goes, as template arguments of handlers.
#pragma once

#include <bit>
#include <cstring>

#include "codegen/interp/step.h"
#include "ir/type.h"

namespace strata::codegen::interp {

static_assert(std::endian::native == std::endian::little, "narrow operands are read at the wide one's address");

/// Where an operand stands. The hot operations have a handler for each combination; the others take `any`.
enum class Place : uint8_t {
  cell,  ///< a value of the block; the operand is the number of its 8-byte cell (of the first of two, for v128)
  slot,  ///< guest state; the operand is the offset in bytes
  any,   ///< a cell, or with bit 15 set the guest state in units of 8 bytes: decided at run time
  imm,   ///< the step's imm, sign-extended
};

/// Where a result goes. Bits above the result's width: a cell and a slot of 8 bytes get zeros, so a value there needs no
/// zero extension.
enum class Dest : uint8_t {
  cell,
  slot,  ///< 8 bytes of guest state
  low,   ///< guest state, as many bytes as the result has
};

inline constexpr unsigned cell_bytes = 8;
inline constexpr uint16_t any_slot = 0x8000;
inline constexpr unsigned max_cells = 0x8000;

template <class T>
T load_as(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// `state` if bit 15 of the operand is set, else `frame`.
[[gnu::always_inline]] inline std::byte* select_base(uint16_t operand, std::byte* state, std::byte* frame) {
#if defined(__x86_64__)
  std::byte* base = frame;
  asm("testw %w1, %w1\n\tcmovsq %2, %0" : "+r"(base) : "r"(operand), "r"(state) : "cc");
  return base;
#else
  return (operand & any_slot) != 0 ? state : frame;
#endif
}

/// The address of an operand that is a cell, a slot or any.
template <Place P>
[[gnu::always_inline]] inline std::byte* address_of(uint16_t operand, [[maybe_unused]] std::byte* state,
                                                    [[maybe_unused]] std::byte* frame) {
  if constexpr (P == Place::cell) return frame + size_t{operand} * cell_bytes;
  if constexpr (P == Place::slot) return state + operand;
  // Doubling drops bit 15. The condition is a conditional move: a branch would be as hard to predict as the program.
  const size_t halves = static_cast<uint16_t>(operand << 1);
  return select_base(operand, state, frame) + halves * (cell_bytes / 2);
}

template <Place P, class T>
[[gnu::always_inline]] inline T read([[maybe_unused]] uint16_t operand, [[maybe_unused]] const Step* step,
                                     [[maybe_unused]] std::byte* state, [[maybe_unused]] std::byte* frame) {
  if constexpr (P == Place::imm) {
    return static_cast<T>(step->imm);
  } else {
    return load_as<T>(address_of<P>(operand, state, frame));
  }
}

/// Writes an unsigned integer.
template <Dest D, class T>
[[gnu::always_inline]] inline void write(T value, const Step* step, std::byte* state, std::byte* frame) {
  if constexpr (D == Dest::low) {
    std::memcpy(state + step->d, &value, sizeof value);
  } else {
    const uint64_t extended = value;
    std::memcpy(D == Dest::cell ? frame + size_t{step->d} * cell_bytes : state + step->d, &extended, sizeof extended);
  }
}

/// The same to any 8 bytes, and whole vectors or floats to any cells or slots.
template <class T>
[[gnu::always_inline]] inline void write_any(T value, const Step* step, std::byte* state, std::byte* frame) {
  std::byte* to = address_of<Place::any>(step->d, state, frame);
  if constexpr (sizeof value < cell_bytes) {
    const uint64_t extended = value;
    std::memcpy(to, &extended, sizeof extended);
  } else {
    std::memcpy(to, &value, sizeof value);
  }
}

// Short names for use in handlers, where the parameters have their usual names.
#define STRATA_READ(place, type, operand) read<place, type>(step->operand, step, state, frame)
#define STRATA_ANY(type, operand) read<Place::any, type>(step->operand, step, state, frame)

}  // namespace strata::codegen::interp

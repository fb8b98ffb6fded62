// Arithmetic flags as IR values: an i32 with one bit a flag, and the conditions that read it.
#pragma once

#include <cstdint>

namespace strata::ir {

/// A flags value is an i32 in this layout, that of the 8080's status byte with overflow at bit 11. Bits outside
/// `Flag::all` are zero. Front ends whose processor keeps other places shuffle at the edges only.
struct Flag {
  static constexpr uint32_t carry = 1u << 0;      ///< unsigned carry out, or borrow
  static constexpr uint32_t parity = 1u << 2;     ///< the low 8 bits hold an even number of ones
  static constexpr uint32_t half = 1u << 4;       ///< carry out of, or borrow into, bit 3
  static constexpr uint32_t zero = 1u << 6;       ///< the result is zero
  static constexpr uint32_t sign = 1u << 7;       ///< the result's top bit
  static constexpr uint32_t overflow = 1u << 11;  ///< signed overflow
  static constexpr uint32_t all = carry | parity | half | zero | sign | overflow;
};

// clang-format off
/// What `cond` reads out of a flags value. Even and odd neighbours are each other's opposite.
enum class Cond : uint8_t {
  o, no,    ///< overflow
  c, nc,    ///< carry: unsigned less
  z, nz,    ///< zero: equal
  be, a,    ///< carry or zero: unsigned less or equal
  s, ns,    ///< sign
  p, np,    ///< parity: unordered
  l, ge,    ///< sign != overflow: signed less
  le, g,    ///< zero or sign != overflow: signed less or equal
};
// clang-format on

constexpr Cond opposite(Cond cond) { return static_cast<Cond>(static_cast<uint8_t>(cond) ^ 1); }

/// The flags that a condition reads.
constexpr uint32_t flags_read(Cond cond) {
  // clang-format off
  constexpr uint32_t read[] = {Flag::overflow, Flag::carry,  Flag::zero, Flag::carry | Flag::zero,
                               Flag::sign,     Flag::parity, Flag::sign | Flag::overflow,
                               Flag::zero | Flag::sign | Flag::overflow};
  // clang-format on
  return read[static_cast<uint8_t>(cond) >> 1];
}

/// Whether the condition holds in these flags.
constexpr bool holds(Cond cond, uint32_t flags) {
  const bool carry = flags & Flag::carry, zero = flags & Flag::zero;
  const bool less = ((flags & Flag::sign) != 0) != ((flags & Flag::overflow) != 0);
  bool result = false;
  switch (static_cast<Cond>(static_cast<uint8_t>(cond) & ~1u)) {
    case Cond::o: result = flags & Flag::overflow; break;
    case Cond::c: result = carry; break;
    case Cond::z: result = zero; break;
    case Cond::be: result = carry || zero; break;
    case Cond::s: result = flags & Flag::sign; break;
    case Cond::p: result = flags & Flag::parity; break;
    case Cond::l: result = less; break;
    default: result = zero || less; break;
  }
  return result != ((static_cast<uint8_t>(cond) & 1) != 0);
}

}  // namespace strata::ir

// The steps of AES (FIPS 197) on a state of 16 bytes, column by column.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "ir/type.h"

namespace strata::isa::x86::helpers::aes {

using Block = std::array<uint8_t, 16>;

inline Block block_of(const ir::Vec128& v) {
  Block block;
  std::memcpy(block.data(), &v, sizeof v);
  return block;
}

inline uint64_t store(ir::Vec128* result, const Block& block) {
  std::memcpy(result, block.data(), sizeof *result);
  return 0;
}

/// Times x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
constexpr uint8_t times_x(uint8_t a) { return static_cast<uint8_t>(a << 1 ^ (a & 0x80 ? 0x1b : 0)); }

constexpr uint8_t times(uint8_t a, uint8_t b) {
  uint8_t product = 0;
  for (; b != 0; b >>= 1, a = times_x(a))
    if (b & 1) product ^= a;
  return product;
}

constexpr uint8_t rotated(uint8_t a, unsigned count) { return static_cast<uint8_t>(a << count | a >> (8 - count)); }

struct Boxes {
  std::array<uint8_t, 256> forward{}, backward{};
};

/// SubBytes: the inverse in the field, then an affine map (FIPS 197, 5.1.1). 3 generates the field, 0xf6 is its inverse.
inline constexpr Boxes boxes = [] {
  Boxes result;
  uint8_t power = 1, inverse = 1;
  const auto enter = [&](uint8_t value, uint8_t inverse_of) {
    const auto box = static_cast<uint8_t>(inverse_of ^ rotated(inverse_of, 1) ^ rotated(inverse_of, 2) ^
                                          rotated(inverse_of, 3) ^ rotated(inverse_of, 4) ^ 0x63);
    result.forward[value] = box;
    result.backward[box] = value;
  };
  enter(0, 0);
  for (unsigned i = 0; i < 255; ++i) {
    enter(power, inverse);
    power = times(power, 3);
    inverse = times(inverse, 0xf6);
  }
  return result;
}();

inline uint32_t substitute_word(uint32_t word) {
  uint32_t result = 0;
  for (unsigned at = 0; at < 32; at += 8) result |= uint32_t{boxes.forward[word >> at & 0xff]} << at;
  return result;
}

/// ShiftRows and SubBytes: row r moves r columns to the left.
inline Block substitute_shifted(const Block& state) {
  Block result;
  for (unsigned i = 0; i < 16; ++i) result[i] = boxes.forward[state[(i + i % 4 * 4) % 16]];
  return result;
}

inline Block inverse_substitute_shifted(const Block& state) {
  Block result;
  for (unsigned i = 0; i < 16; ++i) result[(i + i % 4 * 4) % 16] = boxes.backward[state[i]];
  return result;
}

/// Each column times the circulant matrix whose first row is given.
inline Block times_matrix(const Block& state, const std::array<uint8_t, 4>& row) {
  Block result{};
  for (unsigned i = 0; i < 16; ++i) {
    for (unsigned k = 0; k < 4; ++k) result[i] ^= times(state[i / 4 * 4 + k], row[(k + 4 - i % 4) % 4]);
  }
  return result;
}

inline Block mix_columns(const Block& state) { return times_matrix(state, {2, 3, 1, 1}); }
inline Block inverse_mix_columns(const Block& state) { return times_matrix(state, {14, 11, 13, 9}); }

}  // namespace strata::isa::x86::helpers::aes

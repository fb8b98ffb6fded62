// The steps of AES (FIPS 197) by their definitions: what the operations for them give, for back ends on hosts that have no
// instructions for them and to hold those instructions against.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "ir/type.h"

namespace strata::ir::crypto {

/// The state: byte 4c + r is row r of column c.
using Block = std::array<uint8_t, 16>;

inline Block block_of(const Vec128& v) {
  Block block;
  std::memcpy(block.data(), &v, sizeof v);
  return block;
}

inline Vec128 vector_of(const Block& block) {
  Vec128 v;
  std::memcpy(&v, block.data(), sizeof v);
  return v;
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

inline Vec128 with_key(const Block& state, const Vec128& key) {
  const Vec128 v = vector_of(state);
  return {v.lo ^ key.lo, v.hi ^ key.hi};
}

inline Vec128 aes_encrypt(const Vec128& state, const Vec128& key) {
  return with_key(mix_columns(substitute_shifted(block_of(state))), key);
}

inline Vec128 aes_encrypt_last(const Vec128& state, const Vec128& key) {
  return with_key(substitute_shifted(block_of(state)), key);
}

inline Vec128 aes_decrypt(const Vec128& state, const Vec128& key) {
  return with_key(inverse_mix_columns(inverse_substitute_shifted(block_of(state))), key);
}

inline Vec128 aes_decrypt_last(const Vec128& state, const Vec128& key) {
  return with_key(inverse_substitute_shifted(block_of(state)), key);
}

inline Vec128 aes_inverse_mix(const Vec128& state) { return vector_of(inverse_mix_columns(block_of(state))); }

/// For the key expansion: SubWord of words 1 and 3 in words 0 and 2; the same after RotWord, with the round constant, in
/// words 1 and 3.
inline Vec128 aes_key_assist(const Vec128& key, uint64_t round_constant) {
  const auto half = [&](uint64_t words) {
    const uint32_t word = substitute_word(static_cast<uint32_t>(words >> 32));
    const uint32_t rotated = (word >> 8 | word << 24) ^ static_cast<uint32_t>(round_constant);
    return word | uint64_t{rotated} << 32;
  };
  return {half(key.lo), half(key.hi)};
}

}  // namespace strata::ir::crypto

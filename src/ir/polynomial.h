// Polynomials over GF(2): the carry-less product, and CRC-32C by its definition.
#pragma once

#include <cstdint>

#include "ir/type.h"

namespace strata::ir::crypto {

inline Vec128 carryless_multiply(uint64_t a, uint64_t b) {
  unsigned __int128 product = 0;
  for (unsigned i = 0; i < 64; ++i)
    if (b >> i & 1) product ^= static_cast<unsigned __int128>(a) << i;
  return {static_cast<uint64_t>(product), static_cast<uint64_t>(product >> 64)};
}

/// Of the 64-bit lanes that two bits choose: lane `lanes & 1` of a, lane `lanes >> 1` of b.
inline Vec128 carryless_multiply(const Vec128& a, const Vec128& b, uint64_t lanes) {
  return carryless_multiply(lanes & 1 ? a.hi : a.lo, lanes >> 1 ? b.hi : b.lo);
}

/// CRC-32C of the low `bytes` of data, bits reflected, neither inverted before nor after.
inline uint32_t crc32c(uint32_t crc, uint64_t data, uint64_t bytes) {
  constexpr uint32_t polynomial = 0x82f63b78;
  for (unsigned i = 0; i < bytes; ++i) {
    crc ^= static_cast<uint8_t>(data >> (8 * i));
    for (unsigned bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
  }
  return crc;
}

}  // namespace strata::ir::crypto

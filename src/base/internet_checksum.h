// The Internet checksum (RFC 1071).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace strata {

/// The one's complement sum of the bytes as big-endian 16-bit numbers, not yet complemented; an odd last byte is padded.
/// `begin` is what comes before: the sum of a pseudo header, or of a first part of even size.
uint16_t internet_sum(std::span<const std::byte> bytes, uint32_t begin = 0);

/// Its complement: what stands in a header.
inline uint16_t internet_checksum(std::span<const std::byte> bytes, uint32_t begin = 0) {
  return static_cast<uint16_t>(~internet_sum(bytes, begin));
}

}  // namespace strata

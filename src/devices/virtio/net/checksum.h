// The Internet checksum (RFC 1071).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace strata::devices::virtio {

/// The complement of the one's complement sum of the bytes as big-endian 16-bit numbers; an odd last byte is padded.
uint16_t internet_checksum(std::span<const std::byte> bytes);

}  // namespace strata::devices::virtio

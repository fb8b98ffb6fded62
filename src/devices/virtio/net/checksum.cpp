// Sums eight bytes at a time: the sum is the same whatever the width, once it is folded.
#include "devices/virtio/net/checksum.h"

#include "base/bits.h"

namespace strata::devices::virtio {

uint16_t internet_checksum(std::span<const std::byte> bytes) {
  uint64_t sum = 0;
  while (bytes.size() >= 4) {
    sum += load_be<uint32_t>(bytes.data());  // 2^32 of them fit, more than a frame has
    bytes = bytes.subspan(4);
  }
  if (bytes.size() >= 2) {
    sum += load_be<uint16_t>(bytes.data());
    bytes = bytes.subspan(2);
  }
  if (!bytes.empty()) sum += std::to_integer<uint64_t>(bytes[0]) << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

}  // namespace strata::devices::virtio

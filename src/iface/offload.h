// Offload: what the sender of a frame has left undone, for the receiver, or the last one on the way, to do.
#pragma once

#include <cstdint>

namespace strata::iface {

/// The header that virtio-net, TAP devices and packet sockets put before a frame (virtio 1.2, 5.1.6; struct
/// virtio_net_hdr of Linux), in the host's byte order. All zero: a plain frame. Offsets count from the frame's begin; a
/// tag that is put in or taken out moves them. Nothing in it is to be trusted.
struct Offload {
  /// `flags`
  static constexpr uint8_t needs_csum = 1;  ///< from csum_start on, the checksum at csum_start + csum_offset is missing
  static constexpr uint8_t data_valid = 2;  ///< the checksum was looked at and is right
  /// `gso_type`: how the frame is to be cut into smaller ones
  static constexpr uint8_t gso_none = 0;
  static constexpr uint8_t gso_tcp4 = 1;
  static constexpr uint8_t gso_tcp6 = 4;
  static constexpr uint8_t gso_udp = 5;     ///< into datagrams of gso_size each
  static constexpr uint8_t gso_ecn = 0x80;  ///< beside one of TCP's: the first segment only has CWR

  uint8_t flags = 0;
  uint8_t gso_type = gso_none;
  uint16_t header_size = 0;  ///< of all headers; a hint
  uint16_t gso_size = 0;     ///< data bytes of each frame that it is cut into
  uint16_t csum_start = 0;
  uint16_t csum_offset = 0;

  bool plain() const { return !(flags & needs_csum) && gso_type == gso_none; }
  bool operator==(const Offload&) const = default;
};
static_assert(sizeof(Offload) == 10);

}  // namespace strata::iface

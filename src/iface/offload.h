// Offload: what the sender of a frame has left undone, for the receiver, or the last one on the way, to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bits.h"

namespace strata::iface {

/// What virtio-net's header says of the frame behind it (virtio 1.2, 5.1.6); a default one stands for a plain frame.
/// Offsets count from the frame's first octet: a tag that is put in or taken out moves them. Nothing in it is to be
/// trusted.
struct Offload {
  /// How the frame is to be cut into smaller ones: `udp` into fragments, `udp_l4` into datagrams.
  enum class Gso : uint8_t { none = 0, tcp4 = 1, udp = 3, tcp6 = 4, udp_l4 = 5 };

  bool needs_checksum = false;  ///< the sum from checksum_start on is to be put at checksum_start + checksum_offset
  bool checksum_valid = false;  ///< nobody needs to look
  bool ecn = false;             ///< of a segmented TCP frame: only the first segment has CWR
  Gso gso = Gso::none;
  uint16_t header_length = 0;  ///< what each segment repeats; a hint
  uint16_t gso_size = 0;       ///< payload of a segment
  uint16_t checksum_start = 0;
  uint16_t checksum_offset = 0;

  /// Nothing is left to do.
  bool complete() const { return !needs_checksum && gso == Gso::none; }
  bool operator==(const Offload&) const = default;

  /// The header in front of a frame, without num_buffers; little-endian, as everywhere with virtio 1.
  static constexpr size_t header_size = 10;
  inline void write(std::span<std::byte, header_size> header) const;
  static inline Offload read(std::span<const std::byte, header_size> header);

 private:
  enum Flags : uint8_t { flag_needs_checksum = 1, flag_data_valid = 2, gso_ecn = 0x80 };
};

void Offload::write(std::span<std::byte, header_size> header) const {
  header[0] = std::byte((needs_checksum ? flag_needs_checksum : 0) | (checksum_valid ? flag_data_valid : 0));
  header[1] = std::byte(static_cast<uint8_t>(gso) | (ecn ? gso_ecn : 0));
  store_le<uint16_t>(&header[2], header_length);
  store_le<uint16_t>(&header[4], gso_size);
  store_le<uint16_t>(&header[6], checksum_start);
  store_le<uint16_t>(&header[8], checksum_offset);
}

Offload Offload::read(std::span<const std::byte, header_size> header) {
  const auto flags = std::to_integer<uint8_t>(header[0]), type = std::to_integer<uint8_t>(header[1]);
  return {.needs_checksum = (flags & flag_needs_checksum) != 0,
          .checksum_valid = (flags & flag_data_valid) != 0,
          .ecn = (type & gso_ecn) != 0,
          .gso = static_cast<Gso>(type & ~gso_ecn),
          .header_length = load_le<uint16_t>(&header[2]),
          .gso_size = load_le<uint16_t>(&header[4]),
          .checksum_start = load_le<uint16_t>(&header[6]),
          .checksum_offset = load_le<uint16_t>(&header[8])};
}

}  // namespace strata::iface

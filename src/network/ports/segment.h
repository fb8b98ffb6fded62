// What offloads leave undone, done in software: for ports whose far side takes plain frames only.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "iface/offload.h"

namespace strata::network::ports {

/// Fills in the checksum that was left to the device (virtio 1.2, 5.1.6.2). False where its place is not in the frame.
[[nodiscard]] bool complete_checksum(std::span<std::byte> frame, const iface::Offload& offload);

/// Makes plain frames, checksums complete, of one large TCP segment or of several UDP datagrams in one (5.1.6.2,
/// gso_type), or of a frame that lacks just its checksum.
class Segmenter {
 public:
  using Sink = std::function<void(std::span<const std::byte> frame)>;

  /// Gives `sink` each frame; its bytes last until the sink returns. False, and nothing given, where the frame's headers
  /// do not fit what `offload` says of them, or it would become more frames than a sender has reason to ask for.
  [[nodiscard]] bool split(std::span<const std::byte> frame, const iface::Offload& offload, const Sink& sink);

 private:
  std::vector<std::byte> piece_;  ///< the frame being made; kept for its memory
};

}  // namespace strata::network::ports

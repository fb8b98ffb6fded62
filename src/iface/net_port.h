// An Ethernet port: one end of a cable.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace strata::iface {

/// Frames are whole Ethernet frames without FCS, 14 to 65,550 bytes. With the device lock held, both ways. A frame that
/// cannot be taken is dropped, as on a real network.
class NetPort {
 public:
  using Receiver = std::function<void(std::span<const std::byte> frame)>;

  virtual ~NetPort() = default;
  /// Sends a frame into the network behind this port.
  virtual void send(std::span<const std::byte> frame) = 0;
  /// Whether the checksums of all frames that come out of it are right, so that nobody needs to look.
  virtual bool checksums_are_right() const { return false; }
  /// Who gets what comes out of it. Not called from inside send.
  virtual void connect(Receiver receiver) = 0;
};

}  // namespace strata::iface

// An Ethernet port: one end of a cable.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "iface/offload.h"

namespace strata::iface {

/// What a receiver does itself of what a frame's Offload leaves undone.
struct OffloadKinds {
  bool checksum = false;
  bool tcp4 = false, tcp6 = false, ecn = false;  ///< takes TCP segments larger than a frame
  bool udp_l4 = false;

  bool operator==(const OffloadKinds&) const = default;
};

/// Frames are whole Ethernet frames without FCS, 14 to 65,550 bytes. With the device lock held, both ways. A frame that
/// cannot be taken is dropped, as on a real network.
class NetPort {
 public:
  using Receiver = std::function<void(std::span<const std::byte> frame, const Offload& offload)>;

  virtual ~NetPort() = default;
  /// Whether send() takes incomplete frames: all kinds, but UDP fragments.
  virtual bool takes_offloads() const { return false; }
  /// Sends a frame into the network behind this port.
  virtual void send(std::span<const std::byte> frame, const Offload& offload) = 0;
  /// Who gets what comes out of it. Not called from inside send.
  virtual void connect(Receiver receiver) = 0;
  /// What may come out of it incomplete from now on. Nothing, before this is called.
  virtual void accept(const OffloadKinds&) {}
};

}  // namespace strata::iface

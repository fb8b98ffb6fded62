// What control protocols (RSTP, MVRP, LACP, IGMP and MLD snooping) get from the bridge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "network/bridge/port_id.h"
#include "network/bridge/time.h"
#include "network/bridge/vlan.h"

namespace strata::network::bridge {

/// What a port does with frames that are not a protocol's (8.4). Ports begin as forwarding; a protocol that wants
/// otherwise says so when it is told of the new port, which no frame has passed by then.
enum class PortState : std::uint8_t { discarding, learning, forwarding };

/// From inside of its calls, a protocol may send frames, set states and flush, but not add, remove or reconfigure ports.
class Protocol {
 public:
  virtual ~Protocol() = default;
  /// A frame to one of its addresses, without tag. From any port that is up, whatever its state.
  virtual void receive(PortId port, std::span<const std::byte> frame, Time now) = 0;
  /// The port was added or removed, went up or down, or its configuration or its VLANs changed: see Bridge::has_port,
  /// is_up, config, vlans.
  virtual void port_changed(PortId, Time) {}
  /// Called by Bridge::poll() at or after next_deadline().
  virtual void poll(Time) {}
  virtual Time next_deadline() const { return never; }
};

/// Looks at IGMP and MLD messages on their way through VLANs for which Bridge::set_snooping is on.
class Snooper {
 public:
  enum class Verdict : std::uint8_t {
    forward,     ///< as any frame
    to_routers,  ///< to the VLAN's router ports only
    consume,
  };

  virtual ~Snooper() = default;
  /// `frame` begins with the addresses and has no tag.
  virtual Verdict snoop(PortId port, Vid vid, std::span<const std::byte> frame, Time now) = 0;
};

}  // namespace strata::network::bridge

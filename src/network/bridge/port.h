// The bridge's own view of ports, VLANs and arriving frames; not for others to include.
#pragma once

#include <array>

#include "network/bridge/config.h"
#include "network/bridge/counters.h"
#include "network/bridge/egress_queues.h"
#include "network/bridge/protocol.h"
#include "network/bridge/token_bucket.h"

namespace strata::network::bridge {

struct Port {
  PortId id = no_port;
  PortState state = PortState::forwarding;
  bool up = true;
  bool is_mirror = false;  // destination of one
  bool mirror_ingress = false;
  bool mirror_egress = false;
  bool polices = false;  // has an ingress limit or a list that a frame must pass

  PortConfig config;
  VlanSet registered;  // by MVRP
  VlanSet member;      // configured, and registered where not forbidden

  EgressQueues queues;
  TokenBucket ingress_bucket;  // bits
  TokenBucket egress_bucket;   // bits
  TokenBucket broadcast_bucket;
  TokenBucket multicast_bucket;
  TokenBucket unknown_bucket;

  std::uint32_t learnt = 0;  // dynamic addresses
  PortCounters counters;

  void drop(Drop reason, std::uint64_t frames = 1) { counters.drops[static_cast<std::size_t>(reason)] += frames; }
  bool takes_part() const { return up && !is_mirror; }
  bool forwards() const { return takes_part() && state == PortState::forwarding; }
};

struct Vlan {
  Vid vid = no_vid;
  bool snooping = false;
  PortSet members;
  PortSet forwarding;  // members that forward
  PortSet routers;
  VlanCounters counters;
};

// What ingress finds out about a frame.
struct Arrival {
  MacAddress destination;
  MacAddress source;
  Vid vid = no_vid;
  std::uint8_t priority = 0;
  bool drop_eligible = false;
  bool tagged = false;  // also priority-tagged
};

// Octets of payload as the MTU counts them: without addresses, EtherType, `skip` octets of tag, and up to two more tags.
std::size_t payload_size(const Frame& frame, std::size_t skip);
// Whether all of a frame, or each segment of a GSO frame, fits.
bool fits_mtu(const Frame& frame, std::size_t skip, std::uint16_t mtu);

}  // namespace strata::network::bridge

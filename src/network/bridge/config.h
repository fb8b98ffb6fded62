// The configuration of a bridge and of its ports (IEEE 802.1Q-2018, clauses 6.9, 8.6, 8.8 and 12.10).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/bridge/acl.h"
#include "network/bridge/mac_address.h"
#include "network/bridge/port_id.h"
#include "network/bridge/time.h"
#include "network/bridge/vlan.h"

namespace strata::network::bridge {

/// Acceptable frame types (6.9). A priority-tagged frame counts as untagged.
enum class FrameTypes : std::uint8_t { all, tagged, untagged };

/// A station that is always behind this port, or a group whose frames always go there (8.8.1).
struct StaticEntry {
  Vid vid = no_vid;
  MacAddress address;
  bool operator==(const StaticEntry&) const = default;
};

/// A token bucket; 0 is no limit.
struct RateLimit {
  std::uint64_t bits_per_second = 0;
  std::uint32_t burst_bytes = 256 * 1024;
  bool operator==(const RateLimit&) const = default;
};
struct StormLimit {
  std::uint32_t frames_per_second = 0;
  std::uint32_t burst_frames = 0;  ///< 0: as many as in a second
  bool operator==(const StormLimit&) const = default;
};

/// Of frames that come in at a port: all broadcasts, all multicasts, unicasts that are flooded.
struct StormControl {
  StormLimit broadcast;
  StormLimit multicast;
  StormLimit unknown_unicast;
  bool operator==(const StormControl&) const = default;
};

constexpr unsigned priorities = 8;
constexpr unsigned traffic_classes = 8;

/// Egress queues, one a traffic class (8.6.6 to 8.6.8). Class 7 is the most urgent.
struct QueueConfig {
  /// Priority to traffic class: table 8-5, in which background traffic (1) stands behind best effort (0).
  std::array<std::uint8_t, priorities> traffic_class = {1, 0, 2, 3, 4, 5, 6, 7};
  /// 0: strict. Strict classes go first, the higher before the lower; others share by weight what these leave.
  std::array<std::uint16_t, traffic_classes> weights{};
  std::uint32_t max_frames = 1024;     ///< of each queue
  std::uint32_t max_bytes = 16 << 20;  ///< of each queue
  /// A queue filled so far takes no more drop-eligible frames.
  std::uint8_t drop_eligible_percent = 50;
  bool operator==(const QueueConfig&) const = default;
};

struct PortConfig {
  std::string name;
  /// The tags that the port knows and sends: s_vlan for a provider's port (QinQ). Any other tag is payload.
  TagType tag_type = TagType::c_vlan;
  /// Of untagged and priority-tagged frames; no_vid: they are refused.
  Vid pvid = no_vid;
  FrameTypes accept = FrameTypes::all;
  /// Refuses frames of VLANs that the port is no member of (8.6.2).
  bool ingress_filtering = true;
  VlanSet tagged;     ///< member, frames leave with a tag
  VlanSet untagged;   ///< member, frames leave without
  VlanSet forbidden;  ///< MVRP makes the port no member of these (8.8.2)

  std::uint8_t default_priority = 0;                                          ///< of frames without a tag (6.9.4)
  std::array<std::uint8_t, priorities> regeneration{0, 1, 2, 3, 4, 5, 6, 7};  ///< received to regenerated (6.9.4)

  bool learning = true;
  /// Most dynamic addresses behind this port; 0: no limit. Frames of further ones are forwarded, or dropped.
  std::uint32_t learning_limit = 0;
  bool drop_beyond_limit = false;
  std::vector<StaticEntry> static_entries;

  /// Isolated ports exchange no frames with one another.
  bool isolated = false;
  /// Whether a frame may leave untagged although a tag of this port's type follows. The next bridge would take that tag
  /// for the frame's VLAN (VLAN hopping), so it is dropped unless this is set.
  bool nested_tags = false;
  /// Octets of payload, 68 to 9,216; up to two more tags may come on top. Segments of a GSO frame count one by one.
  std::uint16_t mtu = 1500;

  RateLimit ingress_rate;  ///< beyond: dropped
  RateLimit egress_rate;   ///< beyond: waits in the queues
  StormControl storm;
  QueueConfig queues;
  Acl ingress_acl;
  Acl egress_acl;

  VlanSet members() const { return tagged | untagged; }
  bool operator==(const PortConfig&) const = default;
};

/// A port of one VLAN that the station behind it does not know of: untagged only.
PortConfig access_port(std::string name, Vid vid);
/// Tagged frames of `vlans`; the native VLAN, if any, untagged.
PortConfig trunk_port(std::string name, const VlanSet& vlans, Vid native = no_vid);

struct BridgeConfig {
  MacAddress address;  ///< the bridge's own: the source of its protocols' frames, and its identity in RSTP
  Time ageing = std::chrono::seconds(300);  ///< of learnt addresses; 1 s to 10^6 s (8.8.3)
  std::uint32_t max_addresses = 65'536;     ///< learnt and static; further ones are not learnt
  /// Each set learns together, under one filtering identifier (8.8.8); all other VLANs learn for themselves.
  std::vector<VlanSet> shared_learning;
  Acl acl;  ///< of all ports, at ingress
  /// Makes collisions of addresses unpredictable to who sends them; any number, the same gives the same run.
  std::uint64_t hash_seed = 0;
  bool operator==(const BridgeConfig&) const = default;
};

/// Copies frames to a port, as they came in and as they left. The destination takes part in nothing else.
struct Mirror {
  std::string name;
  PortSet ingress;
  PortSet egress;
  PortId destination = no_port;
  bool operator==(const Mirror&) const = default;
};

/// Errors name the port, the value and what would be right.
Result<void> validate(const PortConfig& config);
Result<void> validate(const BridgeConfig& config);

}  // namespace strata::network::bridge

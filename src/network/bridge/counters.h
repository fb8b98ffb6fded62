// Counters of ports and VLANs.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace strata::network::bridge {

/// Why a frame went no further. `received` and below count at the port that it came from, `transmit` ones at the other.
enum class Drop : std::uint8_t {
  runt,            ///< shorter than its headers
  giant,           ///< beyond the MTU
  bad_offload,     ///< offload metadata that points out of the frame
  bad_source,      ///< a group's or no address as source
  port_state,      ///< port down or not forwarding
  frame_type,      ///< not an acceptable frame type, or untagged without PVID
  reserved_vlan,   ///< VLAN 4095
  ingress_filter,  ///< port is no member of the VLAN
  ingress_acl,
  ingress_rate,
  storm,             ///< storm control
  learning_limit,    ///< station beyond the port's limit
  same_port,         ///< destination is where it came from
  no_destination,    ///< no port to go to
  reserved_address,  ///< 01-80-C2-00-00-0x without a protocol
  // At egress.
  egress_acl,
  egress_mtu,
  not_member,  ///< left the VLAN while the frame waited
  nested_tag,  ///< would be taken for another VLAN's
  queue_full,
  queue_drop_eligible,
  flushed,  ///< waited when the port went down
};
constexpr std::size_t drop_reasons = static_cast<std::size_t>(Drop::flushed) + 1;
/// "queue_full".
std::string_view to_string(Drop reason);

struct Traffic {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;

  void add(std::size_t size) { ++frames, bytes += size; }
};

struct PortCounters {
  Traffic received;     ///< all that came, dropped or not
  Traffic transmitted;  ///< what was taken from the queues
  std::uint64_t received_broadcast = 0;
  std::uint64_t received_multicast = 0;
  std::uint64_t moved_addresses = 0;  ///< stations that were behind another port before
  std::array<std::uint64_t, drop_reasons> drops{};

  std::uint64_t dropped(Drop reason) const { return drops[static_cast<std::size_t>(reason)]; }
  std::uint64_t dropped() const {
    std::uint64_t sum = 0;
    for (const auto count : drops) sum += count;
    return sum;
  }
};

struct VlanCounters {
  Traffic received;     ///< frames classified to the VLAN that ingress let in
  Traffic transmitted;  ///< frames of it that left, each copy
};

}  // namespace strata::network::bridge

// Names of counters.
#include "network/bridge/counters.h"

namespace strata::network::bridge {

std::string_view to_string(Drop reason) {
  constexpr std::array<std::string_view, drop_reasons> names = {
      "runt",          "giant",          "bad_offload",         "bad_source",   "port_state", "frame_type",
      "reserved_vlan", "ingress_filter", "ingress_acl",         "ingress_rate", "storm",      "learning_limit",
      "same_port",     "no_destination", "reserved_address",    "egress_acl",   "egress_mtu", "not_member",
      "nested_tag",    "queue_full",     "queue_drop_eligible", "flushed"};
  return names[static_cast<std::size_t>(reason)];
}

}  // namespace strata::network::bridge

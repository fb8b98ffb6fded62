// Which multicast frames snooping is about (RFC 4541).
#pragma once

#include <cstddef>
#include <span>

#include "network/bridge/mac_address.h"

namespace strata::network::bridge {

/// Whether it is an IGMP or MLD message. `body` begins with the EtherType.
bool is_group_management(std::span<const std::byte> body);

/// Whether frames to this group go to routers only while nobody is known to listen: IP multicast, but not what all hosts
/// or routers of a link must hear without asking for it (224.0.0.x, ff02::1; RFC 4541, 2.1.2 and 3).
bool is_filtered_when_unregistered(MacAddress group);

}  // namespace strata::network::bridge

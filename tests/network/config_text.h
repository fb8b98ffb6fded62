// Configurations as text in the conformance tables: see conformance/README.md.
#pragma once

#include <string_view>

#include "network/bridge/config.h"

namespace strata::network::conformance {

/// "p1 vlan=10 priority=3".
bridge::PortConfig parse_port(std::string_view text);
/// "ageing=10 shared=10,20".
bridge::BridgeConfig parse_switch(std::string_view text);

}  // namespace strata::network::conformance

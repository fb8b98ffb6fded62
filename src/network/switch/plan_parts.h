// What make_plan() makes of each part by itself; errors do not name the part, for it does.
#pragma once

#include "network/switch/plan.h"

namespace strata::network {

Result<PortPlan> make_port(std::string_view name, const Settings& settings);
Result<bridge::AclRule> make_acl_rule(const Settings& settings);
/// `name` is the VLAN's number.
Result<DhcpPlan> make_dhcp(std::string_view name, const Settings& settings);

}  // namespace strata::network

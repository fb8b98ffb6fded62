// Plan: what a configuration comes to: everything checked, in the types that the bridge, its ports and services take.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "network/bridge/config.h"
#include "network/forward.h"
#include "network/protocols/control_plane.h"
#include "network/services/dhcp_server.h"
#include "network/switch/configuration.h"

namespace strata::network {

/// Where a port's cable goes.
struct Attachment {
  enum class Kind : uint8_t { unplugged, netns, tap, interface, listen, connect, vxlan, user };
  Kind kind = Kind::unplugged;
  std::string netns;
  std::string name;  ///< of the interface, the path of the socket, or what --vxlan says
  std::vector<Forward> forwards;
  bool offloads = false;  ///< of a socket
  bool operator==(const Attachment&) const = default;
};

struct PortPlan {
  bridge::PortConfig config;
  protocols::ControlPortOptions control;
  Attachment attachment;
  bool down = false;
};

struct MirrorPlan {
  std::string name;
  std::string to;
  std::vector<std::string> ports;
  bool in = true, out = true;
};

struct DhcpPlan {
  bridge::Vid vlan = 0;
  services::DhcpOptions options;
  bool operator==(const DhcpPlan&) const = default;
};

struct Plan {
  bridge::BridgeConfig bridge;
  protocols::ControlOptions control;
  std::chrono::microseconds busy_poll{0};
  std::vector<PortPlan> ports;
  std::vector<MirrorPlan> mirrors;
  std::vector<DhcpPlan> dhcp;

  const PortPlan* find_port(std::string_view name) const;
};

/// Errors name the part, the setting, the value and what would be right; nothing outside is looked at.
[[nodiscard]] Result<Plan> make_plan(const Configuration& configuration);

/// One port: what make_plan() does for each. Machines' ports, which are in no configuration, come this way too.
[[nodiscard]] Result<PortPlan> make_port_plan(std::string_view name, const Settings& settings);

}  // namespace strata::network

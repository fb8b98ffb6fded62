// Reads --net.
#include "control/net_choice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <random>

#include "network/switch/folders.h"

namespace strata::control {
namespace {

using network::PartKind;

/// Parts between commas. One that begins with a digit goes on with a list of VLANs: trunk=10,20-29.
std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    if (parts.size() > 1 && !part.empty() && std::isdigit(static_cast<unsigned char>(part[0]))) {
      parts.back().append(",").append(part);
    } else {
      parts.emplace_back(part);
    }
    if (comma == std::string_view::npos) return parts;
    text = text.substr(comma + 1);
  }
}

/// Those that say where a port's cable goes; here it goes to the machine.
bool is_of_cable(std::string_view name) {
  static constexpr std::array<std::string_view, 9> names = {"netns",   "ifname", "tap",  "interface", "socket",
                                                            "connect", "vxlan",  "user", "forward"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<void> set(NetChoice& net, std::string_view part) {
  const size_t equals = part.find('=');
  const std::string_view name = part.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "true" : part.substr(equals + 1);
  if (net.kind == NetChoice::Kind::user && name == "forward") {
    net.forwards.emplace_back(value);
    return {};
  }
  if (net.kind != NetChoice::Kind::network)
    return fail(ErrorCode::usage, "'{}' is not forward=tcp:HOSTPORT:GUESTPORT", part);
  if (name == "mac") {
    net.mac = STRATA_TRY(network::bridge::MacAddress::parse(value));
    if (net.mac->is_group() || net.mac->is_zero())
      return fail(ErrorCode::usage, "mac={} is no station's address", value);
    return {};
  }
  if (name == "port") {
    STRATA_TRY(network::check_name("port", value));
    net.port = value;
    return {};
  }
  if (is_of_cable(name) || !network::find_setting(PartKind::port, name)) {
    return fail(ErrorCode::usage,
                "'{}' is not mac=MAC, port=NAME or a setting of a port such as vlan=10 (strata port add --help)", part);
  }
  network::Settings change;
  change.set(name, value);
  return network::change_settings(PartKind::port, net.settings, change);
}

}  // namespace

Result<NetChoice> parse_net(std::string_view text) {
  NetChoice net;
  const auto parts = parts_of(text);
  if (parts[0] == "user") {
    net.kind = NetChoice::Kind::user;
  } else if (parts[0] != "none") {
    if (!network::check_name("network", parts[0])) {
      return fail(ErrorCode::usage, "--net '{}' is not user, none or the name of a network", parts[0]);
    }
    net.kind = NetChoice::Kind::network;
    net.network = parts[0];
  }
  for (size_t i = 1; i < parts.size(); ++i) STRATA_TRY(with_context(set(net, parts[i]), "--net {}", parts[0]));
  return net;
}

network::bridge::MacAddress random_mac() {
  constexpr uint64_t prefix = 0x525400000000;  // of virtual machines by custom: local, one station
  std::random_device random;
  return network::bridge::MacAddress(prefix | (random() & 0xffffff));
}

}  // namespace strata::control

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

Result<void> set_address(NetChoice& net, std::string_view value) {
  net.dhcp = false;
  net.address.reset();
  if (value == "none") return {};
  net.address = STRATA_TRY(with_context(network::services::parse_ipv4_network(value), "address={}", value));
  const auto& address = *net.address;
  const bool for_all = address.prefix < 31 && (address.address == address.first() || address.address == address.last());
  const uint32_t first_octet = address.address >> 24;
  if (for_all || first_octet == 0 || first_octet == 127 || first_octet >= 224)
    return fail(ErrorCode::usage, "address={} is no station's address", value);
  return {};
}

Result<void> set(NetChoice& net, std::string_view part, NetOwner owner) {
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
  if (name == "address" && owner == NetOwner::container) return set_address(net, value);
  if (name == "port") {
    STRATA_TRY(network::check_name("port", value));
    net.port = value;
    return {};
  }
  if (is_of_cable(name) || !network::find_setting(PartKind::port, name)) {
    return fail(ErrorCode::usage,
                "'{}' is not mac=MAC, port=NAME{} or a setting of a port such as vlan=10 (strata port "
                "add --help)",
                part, owner == NetOwner::container ? ", address=ADDRESS/PREFIX" : "");
  }
  network::Settings change;
  change.set(name, value);
  return network::change_settings(PartKind::port, net.settings, change);
}

}  // namespace

Result<NetChoice> parse_net(std::string_view text, NetOwner owner) {
  NetChoice net;
  const auto parts = parts_of(text);
  if (parts[0] == "user") {
    net.kind = NetChoice::Kind::user;
  } else if (parts[0] == "host") {
    if (owner == NetOwner::machine) {
      return fail(ErrorCode::usage, "--net host is for containers; a machine's card has a cable: user or a network");
    }
    net.kind = NetChoice::Kind::host;
  } else if (parts[0] != "none") {
    if (!network::check_name("network", parts[0])) {
      return fail(ErrorCode::usage, "--net '{}' is not user, none{} or the name of a network", parts[0],
                  owner == NetOwner::container ? ", host" : "");
    }
    net.kind = NetChoice::Kind::network;
    net.network = parts[0];
  }
  for (size_t i = 1; i < parts.size(); ++i) STRATA_TRY(with_context(set(net, parts[i], owner), "--net {}", parts[0]));
  return net;
}

network::bridge::MacAddress random_mac() {
  constexpr uint64_t prefix = 0x525400000000;  // of virtual machines by custom: local, one station
  std::random_device random;
  return network::bridge::MacAddress(prefix | (random() & 0xffffff));
}

network::bridge::MacAddress mac_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const unsigned char each : text) hash = (hash ^ each) * 0x100000001b3;
  constexpr uint64_t local_station = 0x020000000000;
  return network::bridge::MacAddress(local_station | ((hash ^ hash >> 40) & 0xffffffffff));
}

}  // namespace strata::control

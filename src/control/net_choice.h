// Where the cable of a machine's or container's network card goes: the words of --net.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/bridge/mac_address.h"
#include "network/services/ipv4.h"
#include "network/switch/settings.h"

namespace strata::control {

/// Whose --net it is: both have the same words, but for those that only a container has.
enum class NetOwner : uint8_t { machine, container };

struct NetChoice {
  enum class Kind : uint8_t { none, user, network, host };
  Kind kind = Kind::none;
  std::vector<std::string> forwards;  ///< of user: "tcp:8080:80", checked where the network is made
  std::string network;                ///< its name
  std::string port;                   ///< what the card's port is called there; empty: after the machine
  network::Settings settings;         ///< of that port
  std::optional<network::bridge::MacAddress> mac;
  // A machine sees to its address by itself.
  bool dhcp = true;  ///< of a container in a network; false: address, or none
  std::optional<network::services::Ipv4Network> address;
};

/// "user,forward=tcp:8080:80", "none", "lab,vlan=10", "lab,trunk=10,20-29,native=10,mac=52:54:00:00:00:01,port=web"; and of
/// containers "host" and "lab,vlan=10,address=10.0.10.5/24" (or address=none).
[[nodiscard]] Result<NetChoice> parse_net(std::string_view text, NetOwner owner = NetOwner::machine);

/// For a card that nobody gave an address: a random one, so that machines of one network differ.
[[nodiscard]] network::bridge::MacAddress random_mac();

/// The same for the same text, and of one that nobody else has: who starts again is known to its neighbours.
[[nodiscard]] network::bridge::MacAddress mac_of(std::string_view text);

}  // namespace strata::control

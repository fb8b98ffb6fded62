// Where the cable of a machine's network card goes: the words of --net.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/bridge/mac_address.h"
#include "network/switch/settings.h"

namespace strata::control {

struct NetChoice {
  enum class Kind : uint8_t { none, user, network };
  Kind kind = Kind::none;
  std::vector<std::string> forwards;  ///< of user: "tcp:8080:80", checked where the network is made
  std::string network;                ///< its name
  std::string port;                   ///< what the card's port is called there; empty: after the machine
  network::Settings settings;         ///< of that port
  std::optional<network::bridge::MacAddress> mac;
};

/// "user,forward=tcp:8080:80", "none", "lab,vlan=10", "lab,trunk=10,20-29,native=10,mac=52:54:00:00:00:01,port=web".
[[nodiscard]] Result<NetChoice> parse_net(std::string_view text);

/// For a card that nobody gave an address: a random one, so that machines of one network differ.
[[nodiscard]] network::bridge::MacAddress random_mac();

}  // namespace strata::control

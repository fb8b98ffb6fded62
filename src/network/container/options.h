// What a container's network is to be: its cards, and where files about it go.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "network/bridge/mac_address.h"
#include "network/forward.h"
#include "network/services/ipv4.h"
#include "network/switch/settings.h"

namespace strata::network::container {

/// The outside, by the sockets of this user (UserNet).
struct UserCardOptions {
  std::vector<Forward> forwards;
};

/// A port in a running switch.
struct SwitchCardOptions {
  std::string network;
  std::string port;   ///< its name there; a number follows where it is taken
  Settings settings;  ///< of the port
  bool dhcp = true;   ///< false: `address`, or none at all
  std::optional<services::Ipv4Network> address;
};

struct CardOptions {
  std::string interface;  ///< in the container
  bridge::MacAddress mac;
  std::variant<UserCardOptions, SwitchCardOptions> kind;
};

struct NetworkOptions {
  std::string host_name;
  pid_t container = 0;  ///< a process in the container's network namespace; when it ends, so does the network
  std::filesystem::path control_socket, log;
  std::filesystem::path resolv_conf, hosts;  ///< are there, and are written in place
  std::vector<CardOptions> cards;
};

}  // namespace strata::network::container

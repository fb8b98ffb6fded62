// InterfaceSetter: sets up network interfaces of one namespace, from wherever it is used (netdevice(7)).
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "network/bridge/mac_address.h"
#include "network/services/ipv4.h"

namespace strata::network::ports {

/// Works on the namespace in which it was made: its socket stays there. Whoever calls needs CAP_NET_ADMIN in that
/// namespace's owner at the time of the call, or has made it. Errors name the interface and the value.
class InterfaceSetter {
 public:
  static Result<InterfaceSetter> make();
  /// A socket that was made in the namespace; of any kind that is IPv4's.
  explicit InterfaceSetter(UniqueFd socket) : socket_(std::move(socket)) {}

  Result<void> set_mtu(const std::string& interface, unsigned mtu) const;
  Result<void> set_mac(const std::string& interface, bridge::MacAddress mac) const;
  Result<void> take_up(const std::string& interface) const;
  /// Its only IPv4 address; nullopt: none.
  Result<void> set_address(const std::string& interface, const std::optional<services::Ipv4Network>& address) const;
  /// The way to everywhere else, by a router that is reached over the interface.
  Result<void> set_default_route(const std::string& interface, services::Ipv4 router) const;
  Result<int> index_of(const std::string& interface) const;

 private:
  UniqueFd socket_;
};

}  // namespace strata::network::ports

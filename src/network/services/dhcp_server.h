// DhcpServer: answers the DHCP messages of one VLAN (RFC 2131, section 4.3).
#pragma once

#include <functional>
#include <optional>

#include "network/services/dhcp_leases.h"
#include "network/services/dhcp_message.h"

namespace strata::network::services {

struct DhcpOptions {
  Ipv4Network server;  ///< its own address, and the network that it serves
  Ipv4Range range;
  Ipv4 router = 0;                 ///< 0: none is told
  std::vector<Ipv4> name_servers;  ///< empty: none is told
  std::string domain;
  uint32_t lease_seconds = 3600;
  uint16_t mtu = 0;
  std::vector<DhcpHost> hosts;
  bool operator==(const DhcpOptions&) const = default;
};

/// The only server of its network: it says no to addresses that it did not give.
class DhcpServer {
 public:
  /// Seconds since 1970.
  using Clock = std::function<int64_t()>;

  DhcpServer(DhcpOptions options, Clock clock);

  struct Answer {
    DhcpReply reply;
    Ipv4 target;  ///< where to, which may be everybody
    bool to_all;  ///< as an Ethernet broadcast
  };
  /// nullopt: nothing is to be said.
  std::optional<Answer> answer(const DhcpRequest& request);

  DhcpLeases& leases() { return leases_; }
  const DhcpLeases& leases() const { return leases_; }
  const DhcpOptions& options() const { return options_; }
  /// Grows when a lease is given, ended or declined.
  uint64_t changes() const { return changes_; }

 private:
  std::optional<Answer> discover(const DhcpRequest& request);
  std::optional<Answer> request(const DhcpRequest& request);
  Answer grant(const DhcpRequest& request, DhcpType type, Ipv4 address, int64_t seconds);
  DhcpReply reply(DhcpType type) const;
  static Answer addressed(const DhcpRequest& request, DhcpReply reply);
  static std::string client_of(const DhcpRequest& request);

  DhcpOptions options_;
  Clock clock_;
  DhcpLeases leases_;
  uint64_t changes_ = 0;
};

}  // namespace strata::network::services

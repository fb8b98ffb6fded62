// VlanHost: the switch's own host in a VLAN, with an address, DHCP for the others, and DNS for their names.
#pragma once

#include <functional>

#include "network/services/dhcp_server.h"
#include "network/services/dns_message.h"

namespace strata::network::services {

/// Passes a query on to the host's resolver and calls back with its answer; with nothing where none comes.
class DnsForwarder {
 public:
  using Callback = std::function<void(Bytes answer)>;
  virtual ~DnsForwarder() = default;
  virtual void forward(Bytes query, Callback callback) = 0;
};

/// On one thread. Answers ARP and echo requests for its address, DHCP, and DNS: names of fixed hosts and of clients that
/// told theirs, alone or under the domain; everything else goes to the forwarder.
class VlanHost {
 public:
  using Send = std::function<void(Bytes frame)>;

  /// `forwarder` may be nullptr: then other names are not known. It outlives the host.
  VlanHost(MacAddress mac, DhcpOptions options, DhcpServer::Clock clock, Send send, DnsForwarder* forwarder);
  ~VlanHost();
  VlanHost(const VlanHost&) = delete;
  VlanHost& operator=(const VlanHost&) = delete;

  /// An untagged frame of the VLAN, of any content.
  void receive(Bytes frame);

  DhcpServer& dhcp() { return dhcp_; }
  const DhcpServer& dhcp() const { return dhcp_; }
  MacAddress mac() const { return mac_; }

 private:
  void receive_dhcp(const UdpDatagram& datagram);
  void receive_dns(const IpPacket& packet, const UdpDatagram& datagram);
  void answer_name(const IpPacket& packet, uint16_t port, const DnsQuery& query, Bytes whole_query);
  std::optional<Ipv4> address_of(std::string_view name) const;
  std::string name_of(Ipv4 address) const;
  std::string_view without_domain(std::string_view name) const;
  bool within_rate();

  MacAddress mac_;
  DhcpServer::Clock clock_;
  DhcpServer dhcp_;
  Send send_;
  DnsForwarder* forwarder_;
  std::shared_ptr<bool> alive_;  ///< shared with answers that come after the destructor
  int64_t rate_second_ = 0;
  unsigned in_this_second_ = 0;
};

}  // namespace strata::network::services

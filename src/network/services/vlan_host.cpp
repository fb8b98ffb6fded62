// What the host in a VLAN does with each frame.
#include "network/services/vlan_host.h"

#include <algorithm>

namespace strata::network::services {
namespace {

/// What one VLAN may ask in a second: a flood of requests is not to keep the switch from switching.
constexpr unsigned most_requests_per_second = 500;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

}  // namespace

VlanHost::VlanHost(MacAddress mac, DhcpOptions options, DhcpServer::Clock clock, Send send, DnsForwarder* forwarder)
    : mac_(mac),
      clock_(clock),
      dhcp_(std::move(options), std::move(clock)),
      send_(std::move(send)),
      forwarder_(forwarder),
      alive_(std::make_shared<bool>(true)) {}

VlanHost::~VlanHost() { *alive_ = false; }

void VlanHost::receive(Bytes frame) {
  const Ipv4 own = dhcp_.options().server.address;
  if (const auto arp = read_arp_request(frame)) {
    if (arp->target == own) send_(make_arp_reply(*arp, mac_));
    return;
  }
  const auto packet = read_ip(frame);
  if (!packet || (packet->target_mac != mac_ && packet->target_mac != broadcast_mac)) return;
  const bool for_us = packet->target == own;
  if (for_us && packet->protocol == protocol_icmp) {
    if (const auto reply = make_echo_reply(*packet, mac_)) send_(*reply);
    return;
  }
  const auto datagram = read_udp(*packet);
  if (!datagram || !within_rate()) return;
  if (datagram->target_port == dhcp_server_port && (for_us || packet->target == broadcast_ipv4)) {
    receive_dhcp(*datagram);
  } else if (datagram->target_port == dns_port && for_us) {
    receive_dns(*packet, *datagram);
  }
}

bool VlanHost::within_rate() {
  const int64_t second = clock_();
  if (second != rate_second_) rate_second_ = second, in_this_second_ = 0;
  return ++in_this_second_ <= most_requests_per_second;
}

void VlanHost::receive_dhcp(const UdpDatagram& datagram) {
  const auto request = read_dhcp(datagram.payload);
  if (!request) return;
  const auto answer = dhcp_.answer(*request);
  if (!answer) return;
  const Frame message = write_dhcp(answer->reply, *request);
  IpPacket packet = {mac_,
                     answer->to_all ? broadcast_mac : request->mac,
                     dhcp_.options().server.address,
                     answer->target,
                     protocol_udp,
                     message};
  send_(make_udp(packet, dhcp_server_port, dhcp_client_port));
}

void VlanHost::receive_dns(const IpPacket& packet, const UdpDatagram& datagram) {
  if (const auto query = read_dns_query(datagram.payload)) {
    answer_name(packet, datagram.source_port, *query, datagram.payload);
  }
}

void VlanHost::answer_name(const IpPacket& packet, uint16_t port, const DnsQuery& query, Bytes whole_query) {
  const auto send_back = [this, to = packet, port](Bytes answer) {
    send_(make_udp({mac_, to.source_mac, to.target, to.source, protocol_udp, answer}, dns_port, port));
  };
  if (const auto address = address_of(query.name)) {
    const bool is_a = query.type == static_cast<uint16_t>(DnsType::a);
    return send_back(is_a ? make_dns_answer(query, *address) : make_dns_answer(query, DnsCode::no_error));
  }
  if (query.type == static_cast<uint16_t>(DnsType::ptr)) {
    const auto address = address_of_reverse_name(query.name);
    const std::string name = address ? name_of(*address) : "";
    if (!name.empty()) return send_back(make_dns_answer(query, name));
  }
  const bool ours = query.name.find('.') == std::string::npos || without_domain(query.name) != query.name;
  if (ours || !forwarder_) return send_back(make_dns_answer(query, DnsCode::no_such_name));
  // By the time the answer comes, the query's bytes are gone, and perhaps this host too.
  forwarder_->forward(
      whole_query, [send_back, alive = alive_, failed = make_dns_answer(query, DnsCode::server_failure)](Bytes answer) {
        if (*alive) send_back(answer.empty() ? Bytes(failed) : answer);
      });
}

std::string_view VlanHost::without_domain(std::string_view name) const {
  const std::string ending = "." + lower(dhcp_.options().domain);
  if (ending.size() > 1 && name.ends_with(ending)) name.remove_suffix(ending.size());
  return name;
}

std::optional<Ipv4> VlanHost::address_of(std::string_view full_name) const {
  const std::string_view name = without_domain(full_name);
  if (name.empty()) return std::nullopt;
  for (const DhcpHost& host : dhcp_.options().hosts) {
    if (lower(host.name) == name) return host.address;
  }
  for (const auto& [address, lease] : dhcp_.leases().all()) {
    if (lease.expires > clock_() && lower(lease.host_name) == name) return address;
  }
  return std::nullopt;
}

std::string VlanHost::name_of(Ipv4 address) const {
  std::string name;
  for (const DhcpHost& host : dhcp_.options().hosts) {
    if (host.address == address) name = host.name;
  }
  const auto lease = dhcp_.leases().all().find(address);
  if (name.empty() && lease != dhcp_.leases().all().end() && lease->second.expires > clock_())
    name = lease->second.host_name;
  const std::string& domain = dhcp_.options().domain;
  return name.empty() || domain.empty() ? name : name + "." + domain;
}

}  // namespace strata::network::services

// What the server says to each kind of message.
#include "network/services/dhcp_server.h"

namespace strata::network::services {
namespace {

constexpr int64_t offer_seconds = 60;

std::vector<Ipv4> own_addresses(const DhcpOptions& options) {
  return {options.server.address, options.router, options.server.first(), options.server.last()};
}

}  // namespace

DhcpServer::DhcpServer(DhcpOptions options, Clock clock)
    : options_(std::move(options)),
      clock_(std::move(clock)),
      leases_(options_.range, options_.hosts, own_addresses(options_)) {}

std::optional<DhcpServer::Answer> DhcpServer::answer(const DhcpRequest& message) {
  if (message.relay != 0) return std::nullopt;  // of another network, behind a router
  switch (message.type) {
    case DhcpType::discover: return discover(message);
    case DhcpType::request: return request(message);
    case DhcpType::decline:
      if (message.requested) leases_.decline(client_of(message), *message.requested, clock_());
      ++changes_;
      return std::nullopt;
    case DhcpType::release:
      leases_.release(client_of(message), message.client, clock_());
      ++changes_;
      return std::nullopt;
    case DhcpType::inform:  // it has an address and wants the rest
      return addressed(message, reply(DhcpType::ack));
    default: return std::nullopt;
  }
}

std::optional<DhcpServer::Answer> DhcpServer::discover(const DhcpRequest& message) {
  const auto address = leases_.choose(client_of(message), message.mac, message.requested, clock_());
  if (!address) return std::nullopt;
  return grant(message, DhcpType::offer, *address, offer_seconds);
}

/// A choice among offers, a reboot, a renewal: table 4 of section 4.3.6. The address that is meant stands in a different
/// place in each; whether the client may have it is the same question.
std::optional<DhcpServer::Answer> DhcpServer::request(const DhcpRequest& message) {
  const std::string client = client_of(message);
  if (message.server && *message.server != options_.server.address) {  // it took another server's offer
    if (message.requested) leases_.release(client, *message.requested, clock_());
    return std::nullopt;
  }
  const Ipv4 address = message.requested.value_or(message.client);
  if (address != 0 && leases_.may_have(client, message.mac, address, clock_())) {
    ++changes_;
    return grant(message, DhcpType::ack, address, options_.lease_seconds);
  }
  return Answer{{.type = DhcpType::nak, .server = options_.server.address}, broadcast_ipv4, true};
}

DhcpServer::Answer DhcpServer::grant(const DhcpRequest& message, DhcpType type, Ipv4 address, int64_t seconds) {
  const int64_t now = clock_();
  const auto had = leases_.all().find(address);
  int64_t expires = now + seconds;
  // An offer does not shorten what the client has already.
  if (had != leases_.all().end() && had->second.client == client_of(message)) {
    if (type == DhcpType::offer) expires = std::max(expires, had->second.expires);
  }
  const DhcpHost* host = leases_.fixed_host(message.mac);
  const std::string name = host && !host->name.empty() ? host->name : message.host_name;
  leases_.take({address, message.mac, client_of(message), name, expires});
  DhcpReply given = reply(type);
  given.yours = address;
  given.lease_seconds = options_.lease_seconds;
  if (host) given.host_name = host->name;
  return addressed(message, std::move(given));
}

DhcpReply DhcpServer::reply(DhcpType type) const {
  return {.type = type,
          .server = options_.server.address,
          .mask = options_.server.mask(),
          .router = options_.router,
          .name_servers = options_.name_servers,
          .domain = options_.domain,
          .mtu = options_.mtu};
}

/// Section 4.1: to the address that the client uses, else to the one that it gets, unless it cannot hear that yet.
DhcpServer::Answer DhcpServer::addressed(const DhcpRequest& message, DhcpReply reply) {
  if (message.client != 0) return {reply, message.client, false};
  const Ipv4 yours = reply.yours;
  if (message.broadcast || yours == 0) return {std::move(reply), broadcast_ipv4, true};
  return {std::move(reply), yours, false};
}

std::string DhcpServer::client_of(const DhcpRequest& message) {
  if (message.client_id.empty()) {
    return fmt::format("01{:012x}", message.mac.value());  // the usual identifier: hardware type and address
  }
  std::string id;
  for (const std::byte byte : message.client_id) id += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return id;
}

}  // namespace strata::network::services

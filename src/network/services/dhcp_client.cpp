// The states of figure 5 in RFC 2131.
#include "network/services/dhcp_client.h"

#include <algorithm>
#include <bit>

namespace strata::network::services {
namespace {

using namespace std::chrono_literals;

constexpr DhcpClient::Time first_wait = 1s, longest_wait = 64s, shortest_renewal_wait = 60s;
constexpr unsigned most_requests = 4, most_reboot_requests = 2;
constexpr uint32_t forever = 0xffffffff, shortest_lease = 10;

bool is_mask(uint32_t mask) { return std::countl_one(mask) == 32 - std::countr_zero(mask); }

}  // namespace

DhcpClient::DhcpClient(MacAddress mac, std::string host_name, uint32_t seed, Send send)
    : mac_(mac), host_name_(std::move(host_name)), send_(std::move(send)), transaction_(seed) {}

void DhcpClient::begin(Time now) {
  begun_ = now;
  ++transaction_;
  tries_ = 0;
  state_ = grant_ ? State::rebooting : State::selecting;
  grant_ ? ask(now) : discover(now);
}

void DhcpClient::discover(Time now) {
  state_ = State::selecting;
  send(message(DhcpType::discover, now));
  wait(now);
}

/// For the address that was offered, or that it has; table 5 in section 4.4.1 says which fields are set when.
void DhcpClient::ask(Time now) {
  DhcpRequest request = message(DhcpType::request, now);
  if (state_ == State::requesting || state_ == State::rebooting) request.requested = address_;
  if (state_ == State::requesting) request.server = server_;
  if (state_ == State::renewing || state_ == State::rebinding) request.client = address_;
  send(request);
  if (state_ == State::requesting || state_ == State::rebooting) return wait(now);
  const Time until = state_ == State::renewing ? rebind_at_ : expires_at_;
  deadline_ = std::min(until, now + std::max<Time>((until - now) / 2, shortest_renewal_wait));
}

/// Twice as long each time (section 4.1).
void DhcpClient::wait(Time now) {
  deadline_ = now + std::min<Time>(first_wait * (1 << std::min(tries_, 6u)), longest_wait);
  ++tries_;
}

void DhcpClient::lose(Time now) {
  grant_.reset();
  address_ = server_ = 0;
  begin(now);
}

void DhcpClient::tick(Time now) {
  if (now < deadline_) return;
  switch (state_) {
    case State::selecting: return discover(now);
    case State::requesting:
    case State::rebooting:
      // Nobody knows this address any more, or the server is gone.
      if (tries_ > (state_ == State::rebooting ? most_reboot_requests : most_requests)) return lose(now);
      return ask(now);
    case State::bound:
      begun_ = now;
      ++transaction_;
      state_ = State::renewing;
      return ask(now);
    case State::renewing:
      if (now >= rebind_at_) state_ = State::rebinding;
      return ask(now);
    case State::rebinding: return now >= expires_at_ ? lose(now) : ask(now);
  }
}

void DhcpClient::receive(Bytes frame, Time now) {
  const auto packet = read_ip(frame);
  const auto datagram = packet ? read_udp(*packet) : std::nullopt;
  if (!datagram || datagram->target_port != dhcp_client_port || datagram->source_port != dhcp_server_port) return;
  const auto reply = read_dhcp_reply(datagram->payload);
  if (!reply || reply->transaction != transaction_ || reply->mac != mac_ || state_ == State::bound) return;
  if (state_ == State::selecting) {
    const bool usable = reply->type == DhcpType::offer && reply->yours != 0 && reply->server != 0;
    if (!usable) return;
    address_ = reply->yours;
    server_ = reply->server;
    state_ = State::requesting;
    tries_ = 0;
    return ask(now);
  }
  const bool of_other = state_ == State::requesting && reply->server != 0 && reply->server != server_;
  if (of_other) return;
  if (reply->type == DhcpType::nak) return lose(now);
  if (reply->type != DhcpType::ack || reply->yours == 0) return;
  server_mac_ = packet->source_mac;
  take(*reply, now);
}

void DhcpClient::take(const DhcpReply& reply, Time now) {
  const unsigned prefix = reply.mask && is_mask(reply.mask) ? static_cast<unsigned>(std::popcount(reply.mask)) : 24;
  address_ = reply.yours;
  if (reply.server) server_ = reply.server;
  grant_ = DhcpGrant{.address = {reply.yours, prefix},
                     .router = reply.router,
                     .name_servers = reply.name_servers,
                     .domain = reply.domain,
                     .mtu = reply.mtu};
  state_ = State::bound;
  const uint32_t seconds = reply.lease_seconds.value_or(forever);
  if (seconds == forever) {
    deadline_ = Time::max();
    return;
  }
  const Time lease = std::chrono::seconds(std::max(seconds, shortest_lease));
  renew_at_ = deadline_ = now + lease / 2;
  rebind_at_ = now + lease * 7 / 8;
  expires_at_ = now + lease;
}

DhcpRequest DhcpClient::message(DhcpType type, Time now) const {
  DhcpRequest request{.type = type, .transaction = transaction_, .mac = mac_, .host_name = host_name_};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - begun_).count();
  request.seconds = static_cast<uint16_t>(std::clamp<int64_t>(seconds, 0, UINT16_MAX));
  return request;
}

void DhcpClient::send(const DhcpRequest& request) {
  const Frame payload = write_dhcp_request(request);
  const bool unicast = state_ == State::renewing && !server_mac_.is_zero();
  const IpPacket packet = {.source_mac = mac_,
                           .target_mac = unicast ? server_mac_ : broadcast_mac,
                           .source = request.client,
                           .target = unicast ? server_ : broadcast_ipv4,
                           .protocol = protocol_udp,
                           .payload = payload};
  send_(make_udp(packet, dhcp_client_port, dhcp_server_port));
}

}  // namespace strata::network::services

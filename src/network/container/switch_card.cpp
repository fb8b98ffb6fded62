// Attaching, and keeping an address.
#include "network/container/switch_card.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <random>

#include "base/log.h"

namespace strata::network::container {
namespace {

constexpr auto retry_after = std::chrono::seconds(1);
constexpr size_t largest_message = 2048;

services::DhcpClient::Time now() { return EventLoop::Clock::now().time_since_epoch(); }

/// Datagrams to port 68, whole ones: nothing else of what the container gets wakes this process.
constexpr sock_filter only_dhcp[] = {
    BPF_STMT(BPF_LD + BPF_H + BPF_ABS, 12),  // type
    BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, ETH_P_IP, 0, 8),
    BPF_STMT(BPF_LD + BPF_B + BPF_ABS, 23),  // protocol
    BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, services::protocol_udp, 0, 6),
    BPF_STMT(BPF_LD + BPF_H + BPF_ABS, 20),  // fragments
    BPF_JUMP(BPF_JMP + BPF_JSET + BPF_K, 0x3fff, 4, 0),
    BPF_STMT(BPF_LDX + BPF_B + BPF_MSH, 14),  // size of the header
    BPF_STMT(BPF_LD + BPF_H + BPF_IND, 14 + 2),
    BPF_JUMP(BPF_JMP + BPF_JEQ + BPF_K, services::dhcp_client_port, 0, 1),
    BPF_STMT(BPF_RET + BPF_K, largest_message),
    BPF_STMT(BPF_RET + BPF_K, 0),
};

}  // namespace

SwitchCard::SwitchCard(const CardOptions& options, UniqueFd tap, UniqueFd wire, const ports::InterfaceSetter& setter,
                       EventLoop& loop, EventLoop::Task changed)
    : setter_(setter),
      loop_(loop),
      changed_(std::move(changed)),
      interface_(options.interface),
      mac_(options.mac),
      options_(std::get<SwitchCardOptions>(options.kind)),
      tap_(std::move(tap)),
      wire_(std::move(wire)),
      retry_(loop, [this] { attach_again(); }),
      renewal_(loop, [this] {
        client_->tick(now());
        follow_client();
      }) {}

SwitchCard::~SwitchCard() = default;

Result<std::unique_ptr<SwitchCard>> SwitchCard::make(const CardOptions& options, const std::string& host_name,
                                                     UniqueFd tap, UniqueFd wire, const ports::InterfaceSetter& setter,
                                                     EventLoop& loop, EventLoop::Task changed) {
  std::unique_ptr<SwitchCard> card(
      new SwitchCard(options, std::move(tap), std::move(wire), setter, loop, std::move(changed)));
  STRATA_TRY(card->open(host_name));
  return card;
}

Result<void> SwitchCard::open(const std::string& host_name) {
  STRATA_TRY(setter_.set_mac(interface_, mac_));
  STRATA_TRY(attach());
  STRATA_TRY(setter_.set_mtu(interface_, mtu_));
  STRATA_TRY(setter_.take_up(interface_));
  if (!options_.dhcp) return setter_.set_address(interface_, options_.address);
  STRATA_TRY(open_wire());
  client_.emplace(mac_, host_name, std::random_device{}(), [this](services::Bytes frame) {
    [[maybe_unused]] const ssize_t sent = ::send(wire_.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  client_->begin(now());
  follow_client();
  return {};
}

Result<void> SwitchCard::attach() {
  AttachedTap attached =
      STRATA_TRY(attach_tap({.network = options_.network, .machine = options_.port, .settings = options_.settings},
                            tap_.get(), options_.address));
  options_.port = attached.port;
  mtu_ = attached.mtu;
  connection_ = std::move(attached.connection);
  connection_watch_ =
      STRATA_TRY(FdWatch::make(loop_, connection_.get(), FdWatch::For::reading, [this] { hear_switch(); }));
  if (options_.dhcp) return {};
  facts_ = {.address = options_.address};
  if (!attached.vlan || !options_.address) return {};
  facts_.router = attached.vlan->router;
  facts_.name_servers = attached.vlan->name_servers;
  facts_.domain = attached.vlan->domain;
  return {};
}

void SwitchCard::hear_switch() {
  char bytes[64];
  const ssize_t count = recv(connection_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count > 0) {
    log::info("{}: its port is in another VLAN now", interface_);
    if (!client_) return;
    client_->begin(now());
    return follow_client();
  }
  log::warn("{}: network {} took the port away; trying to attach again", interface_, options_.network);
  connection_watch_.reset();
  connection_.reset();
  retry_.set_after(retry_after);
}

void SwitchCard::attach_again() {
  if (const auto attached = attach(); !attached) {
    log::debug("{}: {}", interface_, attached.error().message);
    return retry_.set_after(retry_after);
  }
  log::info("{}: attached to network {} again", interface_, options_.network);
  if (client_) {
    client_->begin(now());
    follow_client();
  } else {
    changed_();
  }
}

Result<void> SwitchCard::open_wire() {
  const sock_fprog filter = {std::size(only_dhcp), const_cast<sock_filter*>(only_dhcp)};
  if (setsockopt(wire_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    return fail_errno("filtering what DHCP hears");
  sockaddr_ll place = {};
  place.sll_family = AF_PACKET;
  place.sll_protocol = htons(ETH_P_IP);
  place.sll_ifindex = STRATA_TRY(setter_.index_of(interface_));
  if (bind(wire_.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0)
    return fail_errno("listening for DHCP at {}", interface_);
  wire_watch_ = STRATA_TRY(FdWatch::make(loop_, wire_.get(), FdWatch::For::reading, [this] { hear_wire(); }));
  return {};
}

void SwitchCard::hear_wire() {
  std::byte bytes[largest_message];
  const ssize_t size = recv(wire_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (size < 0 && errno == ENETDOWN) return;  // said once; the renewal is what goes on
  if (size <= 0) return;
  client_->receive(std::span(bytes, static_cast<size_t>(size)), now());
  follow_client();
}

void SwitchCard::follow_client() {
  if (client_->deadline() == services::DhcpClient::Time::max()) {
    renewal_.cancel();
  } else {
    renewal_.set(EventLoop::Clock::time_point(client_->deadline()));
  }
  const CardFacts before = facts_;
  if (const auto taken = take_grant(); !taken) log::warn("{}: {}", interface_, taken.error().message);
  if (facts_ != before) changed_();
}

Result<void> SwitchCard::take_grant() {
  const auto& grant = client_->grant();
  const auto before = facts_.address;
  facts_ = grant ? CardFacts{grant->address, grant->router, grant->name_servers, grant->domain} : CardFacts{};
  if (facts_.address == before) return {};
  if (grant && grant->mtu != 0 && grant->mtu < mtu_) STRATA_TRY(setter_.set_mtu(interface_, grant->mtu));
  log::info("{}: address {}", interface_, facts_.address ? ipv4_text(*facts_.address) : "none");
  return setter_.set_address(interface_, facts_.address);
}

std::string SwitchCard::waits_for() const {
  const bool is_trunk = options_.settings.has("trunk");
  std::string_view vlan = options_.settings.text(is_trunk ? "native" : "vlan");
  if (vlan.empty()) vlan = is_trunk ? "of frames without a tag" : "1";
  return fmt::format(
      "network {}: no DHCP server answers in VLAN {}; start one (strata network dhcp), or give address=10.0.10.5/24, "
      "or "
      "address=none",
      options_.network, vlan);
}

Json SwitchCard::describe() const {
  return {{"interface", interface_},
          {"kind", options_.network},
          {"port", options_.port},
          {"mac", to_string(mac_)},
          {"address", facts_.address ? ipv4_text(*facts_.address) : ""},
          {"attached", static_cast<bool>(connection_)}};
}

}  // namespace strata::network::container

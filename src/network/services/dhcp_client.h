// DhcpClient: gets an address for one interface and keeps it (RFC 2131, section 4.4).
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "network/services/dhcp_message.h"

namespace strata::network::services {

/// What the server gave.
struct DhcpGrant {
  Ipv4Network address;
  Ipv4 router = 0;  ///< 0: none was told
  std::vector<Ipv4> name_servers;
  std::string domain;
  uint16_t mtu = 0;  ///< 0: none was told
  bool operator==(const DhcpGrant&) const = default;
};

/// On one thread. Frames and time are passed in; time is the caller's clock, which never goes back.
class DhcpClient {
 public:
  using Time = std::chrono::nanoseconds;
  using Send = std::function<void(Bytes frame)>;

  /// `seed` tells its transactions from those of other clients; `host_name` is told to the server.
  DhcpClient(MacAddress mac, std::string host_name, uint32_t seed, Send send);

  /// Begins; to be called again after a cable was out or leads elsewhere: asks for the address that it had.
  void begin(Time now);
  /// A frame of the interface, of any content.
  void receive(Bytes frame, Time now);
  void tick(Time now);
  /// When tick() wants to be called.
  Time deadline() const { return deadline_; }

  /// nullopt: none yet, or none any more.
  const std::optional<DhcpGrant>& grant() const { return grant_; }

 private:
  enum class State : uint8_t { selecting, requesting, rebooting, bound, renewing, rebinding };

  void discover(Time now);
  void ask(Time now);
  void wait(Time now);
  void lose(Time now);
  void take(const DhcpReply& reply, Time now);
  void send(const DhcpRequest& request);
  DhcpRequest message(DhcpType type, Time now) const;

  const MacAddress mac_;
  const std::string host_name_;
  const Send send_;
  State state_ = State::selecting;
  uint32_t transaction_;
  Time begun_{0}, deadline_ = Time::max();
  Time renew_at_{0}, rebind_at_{0}, expires_at_{0};
  unsigned tries_ = 0;
  Ipv4 address_ = 0;  ///< offered, or had
  Ipv4 server_ = 0;
  MacAddress server_mac_;  ///< or of the router on the way to it
  std::optional<DhcpGrant> grant_;
};

}  // namespace strata::network::services

// HostResolver: passes DNS queries on to the resolver that this host uses.
#pragma once

#include <map>
#include <random>

#include "base/unique_fd.h"
#include "network/bridge/time.h"
#include "network/services/vlan_host.h"

namespace strata::network {

/// Over UDP, to the first IPv4 server of /etc/resolv.conf, which is read again for each query. On one thread.
class HostResolver final : public services::DnsForwarder {
 public:
  static Result<std::unique_ptr<HostResolver>> make();

  /// At most 256 queries wait; each for five seconds.
  void forward(services::Bytes query, Callback callback) override;

  /// Readable when an answer has come.
  int fd() const { return socket_.get(); }
  void receive();
  bridge::Time deadline() const;
  /// Gives up what has waited too long.
  void expire(bridge::Time now);

 private:
  struct Waiting {
    std::array<std::byte, 2> id;  ///< the client's own
    Callback callback;
    bridge::Time until;
  };

  explicit HostResolver(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
  std::map<uint16_t, Waiting> waiting_;  ///< by the identifier that the query went out with
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace strata::network

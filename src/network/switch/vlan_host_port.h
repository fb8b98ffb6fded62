// VlanHostPort: the cable to the switch's own host in a VLAN.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "network/poll_set.h"
#include "network/ports/port.h"
#include "network/switch/host_resolver.h"

namespace strata::network {

class VlanHostPort final : public ports::Port {
 public:
  /// Called on the datapath's thread with the leases as text, when they have changed.
  using SaveFn = std::function<void(std::string leases)>;

  /// `leases` is what was saved before.
  static Result<std::unique_ptr<VlanHostPort>> open(std::string name, services::MacAddress mac,
                                                    services::DhcpOptions options, std::string_view leases,
                                                    SaveFn save);

  services::VlanHost& host() { return *host_; }

  std::string describe() const override;
  int fd() const override { return poll_set_.fd(); }
  Result<bool> receive(ports::FramePool& pool, std::vector<ports::Frame>& to, size_t most) override;
  size_t send(std::span<ports::Frame> frames) override;
  ports::Time deadline() const override { return resolver_->deadline(); }
  void tick(ports::Time now) override { resolver_->expire(now); }

 private:
  VlanHostPort(std::string name, PollSet poll_set, UniqueFd wake, std::unique_ptr<HostResolver> resolver, SaveFn save);
  void say(services::Bytes frame);
  void save_if_changed();

  PollSet poll_set_;
  UniqueFd wake_;  ///< an eventfd: frames wait to be received
  std::unique_ptr<HostResolver> resolver_;
  SaveFn save_;
  uint64_t saved_changes_ = 0;
  std::deque<services::Frame> said_;
  std::vector<std::byte> scratch_;
  std::unique_ptr<services::VlanHost> host_;
};

}  // namespace strata::network

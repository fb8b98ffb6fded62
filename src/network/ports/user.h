// UserPort: an uplink to the outside through the sockets of this program (libslirp), without any right.
#pragma once

#include <memory>
#include <mutex>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "iface/executor.h"
#include "network/ports/port.h"
#include "network/user_net.h"

namespace strata::network::ports {

/// Stations of its VLAN get addresses, a gateway, DNS and a way out as a UserNet gives them. libslirp runs on the event
/// loop's thread; frames are handed over between that and the datapath's.
class UserPort final : public Port {
 public:
  /// `loop` runs on another thread than the datapath, and outlives the port.
  static Result<std::unique_ptr<UserPort>> open(std::string name, const UserNetOptions& options, EventLoop& loop);
  ~UserPort() override;

  std::string describe() const override { return "user-mode network"; }

  int fd() const override { return wake_.get(); }
  Result<bool> receive(FramePool& pool, std::vector<Frame>& to, size_t most) override;
  size_t send(std::span<Frame> frames) override;

 private:
  class Stack;
  UserPort(std::string name, UniqueFd wake) : Port(std::move(name)), wake_(std::move(wake)) {}

  UniqueFd wake_;                 ///< an eventfd: frames wait to be received
  std::shared_ptr<Stack> stack_;  ///< shared with work posted to the loop, which may come later
};

}  // namespace strata::network::ports

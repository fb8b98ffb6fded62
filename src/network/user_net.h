// UserNet: a network for one guest that reaches the outside through the sockets of this program, without any right.
#pragma once

#include <memory>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"
#include "iface/executor.h"
#include "iface/net_port.h"
#include "network/forward.h"

namespace strata::network {

struct UserNetOptions {
  std::vector<Forward> forwards;
  uint16_t mtu = 1500;  ///< 576 to 65520; the guest's has to be the same
  /// The receiver may be called from inside send(), which spares a copy.
  bool answers_inside = false;
};

/// Where libslirp puts things, the same for each guest.
namespace user_net_addresses {
inline constexpr uint32_t guest = 0x0a00020f, gateway = 0x0a000202, name_server = 0x0a000203;
inline constexpr unsigned prefix = 24;
}  // namespace user_net_addresses

/// libslirp's: the guest is 10.0.2.15 by DHCP, 10.0.2.2 is the gateway and stands for the host's own loopback, and
/// 10.0.2.3 answers DNS as the host's resolver does. IPv4, TCP and UDP; ICMP where the host allows it.
class UserNet final : public iface::NetPort {
 public:
  /// `loop` and `executor` outlive it; `executor` runs its work on the loop's thread under the lock that send() and the
  /// destructor are called with.
  static Result<std::unique_ptr<UserNet>> make(const UserNetOptions& options, EventLoop& loop,
                                               iface::Executor& executor);
  ~UserNet() override;

  void send(std::span<const std::byte> frame, const iface::Offload& offload = {}) override;
  void connect(Receiver receiver) override;

  const std::vector<Forward>& forwards() const;
  /// All or nothing; connections that are there go on. Errors: a port of the host that is in use.
  Result<void> set_forwards(const std::vector<Forward>& forwards);

 private:
  class Stack;
  explicit UserNet(std::shared_ptr<Stack> stack) : stack_(std::move(stack)) {}
  std::shared_ptr<Stack> stack_;  // shared with posted work, which comes after the destructor at times
};

}  // namespace strata::network

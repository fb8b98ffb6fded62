// SwitchNet: a machine's card in a running switch, which is another process.
#pragma once

#include <memory>

#include "base/event_loop.h"
#include "base/result.h"
#include "iface/executor.h"
#include "iface/net_port.h"
#include "network/switch/attach.h"

namespace strata::network {

/// The port in the switch is there as long as this is. When the switch ends, the cable is out until it is there again:
/// that is tried every second.
class SwitchNet final : public iface::NetPort {
 public:
  /// `loop` and `executor` outlive it; `executor` runs its work on the loop's thread under the lock that all members are
  /// called with. Errors: those of attach_machine().
  static Result<std::unique_ptr<SwitchNet>> make(MachineAttachment attachment, EventLoop& loop,
                                                 iface::Executor& executor);
  ~SwitchNet() override;

  /// Of the port in the switch, when it was made.
  uint16_t mtu() const;

  bool takes_offloads() const override { return true; }
  void send(std::span<const std::byte> frame, const iface::Offload& offload) override;
  void connect(Receiver receiver) override;
  void accept(const iface::OffloadKinds& kinds) override;

 private:
  class Cable;
  explicit SwitchNet(std::shared_ptr<Cable> cable) : cable_(std::move(cable)) {}
  std::shared_ptr<Cable> cable_;  // shared with posted work, which comes after the destructor at times
};

}  // namespace strata::network

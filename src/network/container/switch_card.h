// SwitchCard: a TAP in a container whose other end is a port of a running switch, with its address.
#pragma once

#include <memory>

#include "base/event_loop.h"
#include "network/container/card.h"
#include "network/ports/interface.h"
#include "network/services/dhcp_client.h"
#include "network/switch/attach.h"

namespace strata::network::container {

/// The switch moves the frames. Here are the connection that keeps the port, and the lease of the address. When the switch
/// ends, the cable is out until it is there again: that is tried every second.
class SwitchCard final : public Card {
 public:
  /// `changed` is called when facts() are others. `setter` outlives the card.
  static Result<std::unique_ptr<SwitchCard>> make(const CardOptions& options, const std::string& host_name,
                                                  UniqueFd tap, UniqueFd wire, const ports::InterfaceSetter& setter,
                                                  EventLoop& loop, EventLoop::Task changed);
  ~SwitchCard() override;

  const std::string& interface() const override { return interface_; }
  const CardFacts& facts() const override { return facts_; }
  bool settled() const override { return !client_ || facts_.address; }
  std::string waits_for() const override;
  Json describe() const override;

 private:
  SwitchCard(const CardOptions& options, UniqueFd tap, UniqueFd wire, const ports::InterfaceSetter& setter,
             EventLoop& loop, EventLoop::Task changed);
  Result<void> open(const std::string& host_name);
  Result<void> attach();
  void hear_switch();
  void attach_again();
  Result<void> open_wire();
  void hear_wire();
  void follow_client();
  Result<void> take_grant();

  const ports::InterfaceSetter& setter_;
  EventLoop& loop_;
  const EventLoop::Task changed_;
  const std::string interface_;
  const bridge::MacAddress mac_;
  SwitchCardOptions options_;
  const UniqueFd tap_;
  UniqueFd wire_;
  UniqueFd connection_;
  std::optional<FdWatch> connection_watch_, wire_watch_;
  uint16_t mtu_ = 1500;  ///< of the port
  CardFacts facts_;
  std::optional<services::DhcpClient> client_;
  LoopTimer retry_, renewal_;
};

}  // namespace strata::network::container

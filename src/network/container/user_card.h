// UserCard: a TAP in a container whose other end is libslirp in this process.
#pragma once

#include <memory>

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "network/container/card.h"
#include "network/ports/interface.h"
#include "network/user_net.h"

namespace strata::network::container {

/// 10.0.2.15/24 behind 10.0.2.2, without DHCP.
class UserCard final : public Card, private iface::Executor {
 public:
  static Result<std::unique_ptr<UserCard>> make(const CardOptions& options, UniqueFd tap,
                                                const ports::InterfaceSetter& setter, EventLoop& loop);
  ~UserCard() override;

  const std::string& interface() const override { return interface_; }
  const CardFacts& facts() const override { return facts_; }
  bool settled() const override { return true; }
  Json describe() const override;
  const std::vector<Forward>* forwards() const override { return &net_->forwards(); }
  Result<void> set_forwards(const std::vector<Forward>& forwards) override { return net_->set_forwards(forwards); }

 private:
  UserCard(const CardOptions& options, UniqueFd tap, EventLoop& loop);
  void post(std::function<void()> task) override { loop_.post(std::move(task)); }
  void read_frames();
  void write_frame(std::span<const std::byte> frame, const iface::Offload& offload);

  EventLoop& loop_;
  const std::string interface_;
  const bridge::MacAddress mac_;
  const UniqueFd tap_;
  std::vector<std::byte> room_;
  CardFacts facts_;
  std::unique_ptr<UserNet> net_;
  std::optional<FdWatch> watch_;
};

}  // namespace strata::network::container

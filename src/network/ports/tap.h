// TapPort: a network interface of this host, or of one of its namespaces, whose other end is the switch.
#pragma once

#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "network/bridge/mac_address.h"
#include "network/ports/port.h"

namespace strata::network::ports {

struct TapOptions {
  std::string interface;  ///< its name; empty: the kernel's choice
  std::string netns;      ///< where it is to appear (see in_network_namespace()); empty: here
  std::optional<bridge::MacAddress> mac;
  unsigned mtu = 1500;  ///< 68 to 65521
  bool up = true;       ///< takes the interface up, too
  /// The interface, with its addresses, outlives a switch that is killed, and is taken up again by the next TapPort of its
  /// name. A TapPort that is destroyed takes it away all the same.
  bool persistent = false;
};

struct NewTap {
  UniqueFd tap;  ///< reads and writes frames behind iface::Offload's header; does not block
  std::string interface;
};

/// A TAP in the namespace of the caller, still down; the kernel chooses an empty name. Errors: no right, name taken.
[[nodiscard]] Result<NewTap> make_tap(const std::string& interface);

/// Frames of up to 64 KiB pass in one piece with checksums not computed (IFF_VNET_HDR, TUNSETOFFLOAD): the host's TCP
/// gives and takes them so. Gone when somebody deletes the interface or its namespace.
class TapPort final : public Port {
 public:
  /// Errors: no permission (CAP_NET_ADMIN in the namespace's owner), name taken by another interface, no such namespace.
  static Result<std::unique_ptr<TapPort>> open(std::string name, const TapOptions& options);
  /// One of make_tap(), from somebody else, who sets up the interface and may keep it open. `place` says where it is.
  static Result<std::unique_ptr<TapPort>> adopt(std::string name, UniqueFd tap, std::string place);
  ~TapPort() override;

  std::string describe() const override;
  const std::string& interface() const { return interface_; }

  int fd() const override { return tap_.get(); }
  Result<bool> receive(FramePool& pool, std::vector<Frame>& to, size_t most) override;
  size_t send(std::span<Frame> frames) override;

 private:
  TapPort(std::string name, const TapOptions& options);
  Result<void> make_interface();
  Result<void> take_offloads() const;
  Result<void> set_up() const;

  const TapOptions options_;
  std::string interface_;
  UniqueFd tap_;
  Frame room_;  ///< what the next frame is read into
};

}  // namespace strata::network::ports

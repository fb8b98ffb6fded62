// PacketPort: an interface of this host that is there already: a network card, a veth's end, through a packet socket.
#pragma once

#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "network/ports/port.h"

namespace strata::network::ports {

struct PacketOptions {
  std::string interface;
  std::string netns;  ///< where it is (see in_network_namespace()); empty: here
};

/// Promiscuous while the port is there. Large frames and open checksums as with TapPort. The kernel takes tags off what
/// comes in and tells them beside it; they are put in again. Gone when the interface is. The host itself goes on using the
/// interface: what it sends there is not received here.
class PacketPort final : public Port {
 public:
  /// Errors: no such interface or namespace, no permission (CAP_NET_RAW).
  static Result<std::unique_ptr<PacketPort>> open(std::string name, const PacketOptions& options);

  std::string describe() const override;

  int fd() const override { return socket_.get(); }
  bool blocked() const override { return blocked_; }
  Result<bool> receive(FramePool& pool, std::vector<Frame>& to, size_t most) override;
  size_t send(std::span<Frame> frames) override;
  void flush() override { blocked_ = false; }

 private:
  PacketPort(std::string name, PacketOptions options);
  Result<void> bind_to_interface();
  /// Whether the interface that the socket was bound to is still there.
  bool interface_exists() const;

  const PacketOptions options_;
  UniqueFd socket_;
  unsigned index_ = 0;  ///< of the interface
  std::vector<Frame> rooms_;
  bool blocked_ = false;
};

}  // namespace strata::network::ports

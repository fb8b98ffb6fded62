// VxlanPort: a cable to a switch on another host, through a UDP tunnel (VXLAN, RFC 7348).
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "network/ports/port.h"
#include "network/ports/segment.h"

namespace strata::network::ports {

struct VxlanOptions {
  std::string remote;          ///< the other host: an IPv4 or IPv6 address
  uint32_t vni = 0;            ///< the tunnel's number, 0 to 2^24 - 1; both ends have the same
  uint16_t port = 4789;        ///< UDP, of the other host
  uint16_t local_port = 4789;  ///< 0: any that is free
  std::string local;           ///< this host's address; empty: any
};

/// Frames go as they are, tags included; large ones are cut first. What does not come from `remote`, or has another VNI,
/// is dropped and counted. A UDP port of this host carries one tunnel.
class VxlanPort final : public Port {
 public:
  /// Errors: no address, a VNI that is too large, the UDP port is in use.
  static Result<std::unique_ptr<VxlanPort>> open(std::string name, const VxlanOptions& options);

  std::string describe() const override;

  int fd() const override { return socket_.get(); }
  bool blocked() const override { return blocked_; }
  Result<bool> receive(FramePool& pool, std::vector<Frame>& to, size_t most) override;
  size_t send(std::span<Frame> frames) override;
  void flush() override { blocked_ = false; }

 private:
  VxlanPort(std::string name, VxlanOptions options);
  Result<void> bind_socket();
  bool is_from_remote(const sockaddr_storage& from) const;
  /// False where the socket is full.
  bool send_datagram(std::span<const std::byte> head, std::span<const std::byte> body);

  const VxlanOptions options_;
  sockaddr_storage remote_ = {};
  socklen_t remote_size_ = 0;
  UniqueFd socket_;
  std::vector<Frame> rooms_;
  Segmenter segmenter_;
  bool blocked_ = false;
};

}  // namespace strata::network::ports

// The header has a flag that says that the VNI is one, and the VNI (RFC 7348, section 5).
#include "network/ports/vxlan.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/bits.h"
#include "network/ports/receive_room.h"

namespace strata::network::ports {
namespace {

constexpr size_t batch = 16;
constexpr size_t header_size = 8;
constexpr uint32_t most_vni = (1 << 24) - 1;
constexpr std::byte vni_valid{0x08};

using Header = std::array<std::byte, header_size>;

Header header_of(uint32_t vni) {
  Header header = {vni_valid};
  store_be<uint32_t>(&header[4], vni << 8);
  return header;
}

/// An address and port of either family; the size is 0 where the text is none.
socklen_t parse_address(const std::string& text, uint16_t port, sockaddr_storage& out) {
  auto& four = reinterpret_cast<sockaddr_in&>(out);
  auto& six = reinterpret_cast<sockaddr_in6&>(out);
  out = {};
  if (inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    return sizeof four;
  }
  if (inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    return sizeof six;
  }
  return 0;
}

}  // namespace

VxlanPort::VxlanPort(std::string name, VxlanOptions options)
    : Port(std::move(name)), options_(std::move(options)), rooms_(batch) {}

Result<std::unique_ptr<VxlanPort>> VxlanPort::open(std::string name, const VxlanOptions& options) {
  if (options.vni > most_vni) {
    return fail(ErrorCode::usage, "port {}: VNI {} is not between 0 and {}", name, options.vni, most_vni);
  }
  std::unique_ptr<VxlanPort> port(new VxlanPort(std::move(name), options));
  STRATA_TRY(with_context(port->bind_socket(), "port {}", port->name()));
  return port;
}

Result<void> VxlanPort::bind_socket() {
  remote_size_ = parse_address(options_.remote, options_.port, remote_);
  if (remote_size_ == 0) return fail(ErrorCode::usage, "'{}' is no IPv4 or IPv6 address", options_.remote);
  const bool ipv4 = remote_.ss_family == AF_INET;
  const std::string local = !options_.local.empty() ? options_.local : ipv4 ? "0.0.0.0" : "::";
  sockaddr_storage address;
  const socklen_t size = parse_address(local, options_.local_port, address);
  if (size == 0 || address.ss_family != remote_.ss_family) {
    return fail(ErrorCode::usage, "'{}' is no address of the same kind as {}", local, options_.remote);
  }
  socket_.reset(socket(remote_.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return fail_errno("making a UDP socket");
  const int buffer = 4 << 20;
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    if (errno == EADDRINUSE) {
      return fail(ErrorCode::busy, "UDP port {} of this host is in use; another tunnel needs another port or address",
                  options_.local_port);
    }
    return fail_errno("binding to {}, UDP port {}", local, options_.local_port);
  }
  return {};
}

std::string VxlanPort::describe() const { return fmt::format("VXLAN {} to {}", options_.vni, options_.remote); }

// From any port: senders spread their flows over many (RFC 7348, section 5).
bool VxlanPort::is_from_remote(const sockaddr_storage& from) const {
  if (from.ss_family != remote_.ss_family) return false;
  if (from.ss_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(from).sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in&>(remote_).sin_addr.s_addr;
  }
  return std::memcmp(&reinterpret_cast<const sockaddr_in6&>(from).sin6_addr,
                     &reinterpret_cast<const sockaddr_in6&>(remote_).sin6_addr, sizeof(in6_addr)) == 0;
}

Result<bool> VxlanPort::receive(FramePool& pool, std::vector<Frame>& to, size_t most) {
  std::array<Header, batch> headers;
  std::array<sockaddr_storage, batch> from;
  std::array<std::array<iovec, 2>, batch> parts;
  std::array<mmsghdr, batch> messages = {};
  size_t room = 0;
  for (; room < std::min(most, batch) && make_room(rooms_[room], pool); ++room) {
    parts[room] = {iovec{headers[room].data(), header_size},
                   iovec{rooms_[room].fill().data(), rooms_[room].fill().size()}};
    messages[room].msg_hdr = {.msg_name = &from[room],
                              .msg_namelen = sizeof from[room],
                              .msg_iov = parts[room].data(),
                              .msg_iovlen = parts[room].size()};
  }
  const int count = recvmmsg(socket_.get(), messages.data(), static_cast<unsigned>(room), 0, nullptr);
  if (count < 0) return false;  // nothing there, or what the network says of an earlier datagram
  const Header expected = header_of(options_.vni);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const bool ours = messages[i].msg_len >= header_size && is_from_remote(from[i]) &&
                      (headers[i][0] & vni_valid) == vni_valid &&
                      std::equal(expected.begin() + 4, expected.begin() + 7, headers[i].begin() + 4);
    const size_t size = messages[i].msg_len - header_size;
    if (!ours || !take_from(rooms_[i], size, {}, pool, to)) {
      ++counters_.receive_dropped;
      continue;
    }
    count_received(size);
  }
  return static_cast<size_t>(count) == room && room != 0;
}

bool VxlanPort::send_datagram(std::span<const std::byte> head, std::span<const std::byte> body) {
  Header header = header_of(options_.vni);
  std::array<iovec, 3> parts = {iovec{header.data(), header.size()},
                                iovec{const_cast<std::byte*>(head.data()), head.size()},
                                iovec{const_cast<std::byte*>(body.data()), body.size()}};
  const msghdr message = {
      .msg_name = &remote_, .msg_namelen = remote_size_, .msg_iov = parts.data(), .msg_iovlen = parts.size()};
  if (sendmsg(socket_.get(), &message, 0) >= 0) {
    count_sent(head.size() + body.size());
    return true;
  }
  if (errno == EAGAIN || errno == EINTR) return false;
  ++counters_.send_dropped;  // no route, too long
  return true;
}

size_t VxlanPort::send(std::span<Frame> frames) {
  if (blocked_) return 0;
  for (size_t taken = 0; taken < frames.size(); ++taken) {
    Frame& frame = frames[taken];
    if (frame.offload().complete()) {
      std::array<std::byte, Frame::max_head> head;
      blocked_ = !send_datagram(std::span(head).first(frame.head(head)), frame.body());
      if (blocked_) return taken;
    } else {
      std::vector<std::byte> flat(frame.size());
      frame.copy_to(flat);
      // Pieces that the socket has no room for are lost, as on any network that is full.
      const bool split = segmenter_.split(flat, frame.offload(), [&](std::span<const std::byte> piece) {
        if (!send_datagram(piece, {})) ++counters_.send_dropped;
      });
      if (!split) ++counters_.send_dropped;
    }
    frame = {};
  }
  return frames.size();
}

}  // namespace strata::network::ports

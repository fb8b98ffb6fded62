// packet(7): several frames a call, with virtio-net's header before each.
#include "network/ports/packet.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "network/ports/namespace.h"
#include "network/ports/receive_room.h"

namespace strata::network::ports {
namespace {

constexpr size_t batch = 16;
constexpr int buffer_bytes = 8 << 20;  // of the socket: a hundred TCP segments of 64 KiB and what they cost besides

using Header = std::array<std::byte, iface::Offload::header_size>;

template <class Value>
bool set_option(int socket, int level, int option, const Value& value) {
  return setsockopt(socket, level, option, &value, sizeof value) == 0;
}

/// Beyond the host's limit where we may, else up to it.
void enlarge_buffers(int socket) {
  if (!set_option(socket, SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes))
    set_option(socket, SOL_SOCKET, SO_RCVBUF, buffer_bytes);
  if (!set_option(socket, SOL_SOCKET, SO_SNDBUFFORCE, buffer_bytes))
    set_option(socket, SOL_SOCKET, SO_SNDBUF, buffer_bytes);
}

/// The tag that the kernel took off the frame.
std::optional<bridge::Tag> tag_of(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata data;
    std::memcpy(&data, CMSG_DATA(part), sizeof data);
    if (!(data.tp_status & TP_STATUS_VLAN_VALID)) return {};
    const bool service = data.tp_status & TP_STATUS_VLAN_TPID_VALID && data.tp_vlan_tpid == ETH_P_8021AD;
    return bridge::Tag::from_control(service ? bridge::TagType::s_vlan : bridge::TagType::c_vlan, data.tp_vlan_tci);
  }
  return {};
}

}  // namespace

PacketPort::PacketPort(std::string name, PacketOptions options)
    : Port(std::move(name)), options_(std::move(options)), rooms_(batch) {}

Result<std::unique_ptr<PacketPort>> PacketPort::open(std::string name, const PacketOptions& options) {
  std::unique_ptr<PacketPort> port(new PacketPort(std::move(name), options));
  STRATA_TRY(with_context(in_network_namespace(options.netns, [&] { return port->bind_to_interface(); }), "port {}",
                          port->name()));
  return port;
}

Result<void> PacketPort::bind_to_interface() {
  index_ = if_nametoindex(options_.interface.c_str());
  if (index_ == 0) return fail(ErrorCode::not_found, "there is no interface {}", options_.interface);
  socket_.reset(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return fail_errno("a packet socket on {}", options_.interface);
  const int on = 1;
  packet_mreq promiscuous = {};
  promiscuous.mr_ifindex = static_cast<int>(index_);
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (!set_option(socket_.get(), SOL_PACKET, PACKET_VNET_HDR, on) ||
      !set_option(socket_.get(), SOL_PACKET, PACKET_AUXDATA, on) ||
      !set_option(socket_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, on) ||
      !set_option(socket_.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, promiscuous)) {
    return fail_errno("setting up the packet socket on {}", options_.interface);
  }
  enlarge_buffers(socket_.get());
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(index_);
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("binding to interface {}", options_.interface);
  }
  return {};
}

std::string PacketPort::describe() const {
  return options_.netns.empty() ? fmt::format("interface {}", options_.interface)
                                : fmt::format("interface {} in {}", options_.interface, options_.netns);
}

// The kernel unbinds the socket when the interface goes: its number is -1 from then on.
bool PacketPort::interface_exists() const {
  sockaddr_ll address = {};
  socklen_t size = sizeof address;
  return getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sll_ifindex == static_cast<int>(index_);
}

Result<bool> PacketPort::receive(FramePool& pool, std::vector<Frame>& to, size_t most) {
  std::array<Header, batch> headers;
  std::array<std::array<iovec, 2>, batch> parts;
  alignas(cmsghdr) std::array<std::array<char, CMSG_SPACE(sizeof(tpacket_auxdata))>, batch> control;
  std::array<mmsghdr, batch> messages = {};
  size_t room = 0;
  for (; room < std::min(most, batch) && make_room(rooms_[room], pool); ++room) {
    parts[room] = {iovec{headers[room].data(), headers[room].size()},
                   iovec{rooms_[room].fill().data(), rooms_[room].fill().size()}};
    messages[room].msg_hdr = {.msg_iov = parts[room].data(),
                              .msg_iovlen = 2,
                              .msg_control = control[room].data(),
                              .msg_controllen = control[room].size()};
  }
  const int count = recvmmsg(socket_.get(), messages.data(), static_cast<unsigned>(room), 0, nullptr);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    if (errno == EINVAL) {  // a frame whose segmentation virtio-net's header has no word for; it is consumed
      ++counters_.receive_dropped;
      return true;
    }
    const int error = errno;
    if (error == ENETDOWN && interface_exists()) return true;  // told once
    return fail(ErrorCode::io, "port {}: {} is gone", name(), describe());
  }
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const size_t size = messages[i].msg_len;
    if (size < iface::Offload::header_size) continue;
    count_received(size - iface::Offload::header_size);
    if (!take_from(rooms_[i], size - iface::Offload::header_size, iface::Offload::read(headers[i]), pool, to)) {
      ++counters_.receive_dropped;
      continue;
    }
    const auto tag = tag_of(messages[i].msg_hdr);
    if (tag && to.back().stored().size() >= bridge::ethernet_header_size) {
      to.back().push_tag(*tag);
      if (!to.back().flatten()) to.pop_back();
    }
  }
  return static_cast<size_t>(count) == room && room != 0;
}

size_t PacketPort::send(std::span<Frame> frames) {
  if (blocked_) return 0;
  size_t taken = 0;
  while (taken < frames.size()) {
    std::array<Header, batch> headers;
    std::array<std::array<std::byte, Frame::max_head>, batch> heads;
    std::array<std::array<iovec, 3>, batch> parts;
    std::array<mmsghdr, batch> messages = {};
    const size_t most = std::min(frames.size() - taken, batch);
    for (size_t i = 0; i < most; ++i) {
      const Frame& frame = frames[taken + i];
      frame.offload().write(headers[i]);
      const auto body = frame.body();
      parts[i] = {iovec{headers[i].data(), headers[i].size()}, iovec{heads[i].data(), frame.head(heads[i])},
                  iovec{const_cast<std::byte*>(body.data()), body.size()}};
      messages[i].msg_hdr = {.msg_iov = parts[i].data(), .msg_iovlen = parts[i].size()};
    }
    const int sent = sendmmsg(socket_.get(), messages.data(), static_cast<unsigned>(most), 0);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      blocked_ = true;
      return taken;
    }
    if (sent < 0) {  // the first one is not possible: too long, or the interface is down
      ++counters_.send_dropped;
      frames[taken++] = {};
      continue;
    }
    for (int i = 0; i < sent; ++i) {
      count_sent(frames[taken].size());
      frames[taken++] = {};
    }
  }
  return taken;
}

}  // namespace strata::network::ports

// One read or write is one frame; there is no call for several. With 64 KiB in each, that costs little.
#include "network/ports/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "network/ports/interface.h"
#include "network/ports/namespace.h"
#include "network/ports/receive_room.h"

namespace strata::network::ports {
namespace {

constexpr unsigned least_mtu = 68, most_mtu = 65521;

// Of Linux 6.2; Debian 12's headers do not have them yet.
constexpr unsigned tun_f_uso4 = 0x20, tun_f_uso6 = 0x40;

constexpr short tap_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;

ifreq request_for(const std::string& interface) {
  ifreq request = {};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

Result<void> set_tap_header(int tap, const std::string& interface) {
  const int little_endian = 1;
  const int header_size = iface::Offload::header_size;
  if (ioctl(tap, TUNSETVNETLE, &little_endian) != 0 || ioctl(tap, TUNSETVNETHDRSZ, &header_size) != 0) {
    return fail_errno("setting the header of TAP {}", interface);
  }
  return {};
}

}  // namespace

TapPort::TapPort(std::string name, const TapOptions& options) : Port(std::move(name)), options_(options) {}

Result<std::unique_ptr<TapPort>> TapPort::open(std::string name, const TapOptions& options) {
  if (options.interface.size() >= IFNAMSIZ || options.interface.find_first_of("/: %") != std::string::npos) {
    return fail(ErrorCode::usage,
                "port {}: '{}' is no name for an interface; up to {} characters, no '/', ':', '%' or space", name,
                options.interface, IFNAMSIZ - 1);
  }
  if (options.mtu < least_mtu || options.mtu > most_mtu) {
    return fail(ErrorCode::usage, "port {}: an MTU of {} is not between {} and {}", name, options.mtu, least_mtu,
                most_mtu);
  }
  std::unique_ptr<TapPort> port(new TapPort(std::move(name), options));
  const auto make = [&]() -> Result<void> {
    STRATA_TRY(port->make_interface());
    return port->set_up();
  };
  STRATA_TRY(with_context(in_network_namespace(options.netns, make), "port {}", port->name()));
  return port;
}

Result<NewTap> make_tap(const std::string& interface) {
  NewTap made;
  made.tap.reset(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!made.tap) return fail_errno("opening /dev/net/tun");
  ifreq request = request_for(interface);
  request.ifr_flags = tap_flags;
  if (ioctl(made.tap.get(), TUNSETIFF, &request) != 0) {
    if (errno == EBUSY) return fail(ErrorCode::busy, "TAP {} is in use by another program", interface);
    if (errno == EINVAL) {
      return fail(ErrorCode::already_exists, "{} exists and is no TAP; choose another name", interface);
    }
    return fail_errno("making TAP {}", interface);
  }
  made.interface = request.ifr_name;
  STRATA_TRY(set_tap_header(made.tap.get(), made.interface));
  return made;
}

Result<void> TapPort::make_interface() {
  NewTap made = STRATA_TRY(make_tap(options_.interface));
  tap_ = std::move(made.tap);
  interface_ = std::move(made.interface);
  if (options_.persistent && ioctl(tap_.get(), TUNSETPERSIST, 1) != 0) return fail_errno("keeping TAP {}", interface_);
  return take_offloads();
}

Result<std::unique_ptr<TapPort>> TapPort::adopt(std::string name, UniqueFd tap, std::string place) {
  std::unique_ptr<TapPort> port(new TapPort(std::move(name), {.netns = std::move(place)}));
  ifreq about = {};
  if (ioctl(tap.get(), TUNGETIFF, &about) != 0 || (about.ifr_flags & tap_flags) != tap_flags) {
    return fail(ErrorCode::bad_data, "port {}: what came along is no TAP with a header", port->name());
  }
  port->interface_ = about.ifr_name;
  port->tap_ = std::move(tap);
  const int flags = fcntl(port->tap_.get(), F_GETFL);
  if (flags < 0 || fcntl(port->tap_.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return fail_errno("port {}", port->name());
  STRATA_TRY(with_context(set_tap_header(port->tap_.get(), port->interface_), "port {}", port->name()));
  STRATA_TRY(with_context(port->take_offloads(), "port {}", port->name()));
  return port;
}

Result<void> TapPort::take_offloads() const {
  constexpr unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  if (ioctl(tap_.get(), TUNSETOFFLOAD, tcp | tun_f_uso4 | tun_f_uso6) != 0 &&
      ioctl(tap_.get(), TUNSETOFFLOAD, tcp) != 0) {
    return fail_errno("setting the offloads of TAP {}", interface_);
  }
  return {};
}

Result<void> TapPort::set_up() const {
  const InterfaceSetter setter = STRATA_TRY(InterfaceSetter::make());
  STRATA_TRY(setter.set_mtu(interface_, options_.mtu));
  if (options_.mac) STRATA_TRY(setter.set_mac(interface_, *options_.mac));
  return options_.up ? setter.take_up(interface_) : Result<void>{};
}

TapPort::~TapPort() {
  if (options_.persistent && !interface_.empty()) ioctl(tap_.get(), TUNSETPERSIST, 0);
}

std::string TapPort::describe() const {
  return options_.netns.empty() ? fmt::format("TAP {}", interface_)
                                : fmt::format("TAP {} in {}", interface_, options_.netns);
}

Result<bool> TapPort::receive(FramePool& pool, std::vector<Frame>& to, size_t most) {
  std::array<std::byte, iface::Offload::header_size> header;
  for (; most != 0; --most) {
    if (!make_room(room_, pool)) {
      ++counters_.receive_dropped;
      return false;
    }
    const iovec parts[] = {{header.data(), header.size()}, {room_.fill().data(), room_.fill().size()}};
    const ssize_t size = readv(tap_.get(), parts, 2);
    if (size < 0 && errno == EAGAIN) return false;
    if (size < 0 && (errno == EINTR || errno == EIO)) return false;  // EIO: the interface is down
    if (size < 0) return fail_errno("port {}: {}", name(), describe());
    if (static_cast<size_t>(size) < header.size()) continue;
    take_from(room_, static_cast<size_t>(size) - header.size(), iface::Offload::read(header), pool, to);
    count_received(static_cast<size_t>(size) - header.size());
  }
  return true;
}

size_t TapPort::send(std::span<Frame> frames) {
  std::array<std::byte, iface::Offload::header_size> header;
  std::array<std::byte, Frame::max_head> head;
  for (Frame& frame : frames) {
    frame.offload().write(header);
    const auto body = frame.body();
    const iovec parts[] = {{header.data(), header.size()},
                           {head.data(), frame.head(head)},
                           {const_cast<std::byte*>(body.data()), body.size()}};
    // The kernel always takes a frame at once, or never will: an interface that is down, an offload that it refuses.
    if (writev(tap_.get(), parts, 3) < 0) {
      ++counters_.send_dropped;
    } else {
      count_sent(frame.size());
    }
    frame = {};
  }
  return frames.size();
}

}  // namespace strata::network::ports

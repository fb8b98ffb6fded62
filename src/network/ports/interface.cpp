// The ioctls of netdevice(7): few bytes, and no answer to parse.
#include "network/ports/interface.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace strata::network::ports {
namespace {

ifreq request_for(const std::string& interface) {
  ifreq request = {};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

sockaddr socket_address(services::Ipv4 address) {
  const sockaddr_in in = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(address)}, .sin_zero = {}};
  sockaddr result;
  std::memcpy(&result, &in, sizeof result);
  return result;
}

}  // namespace

Result<InterfaceSetter> InterfaceSetter::make() {
  UniqueFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any) return fail_errno("making a socket");
  return InterfaceSetter(std::move(any));
}

Result<void> InterfaceSetter::set_mtu(const std::string& interface, unsigned mtu) const {
  ifreq request = request_for(interface);
  request.ifr_mtu = static_cast<int>(mtu);
  if (ioctl(socket_.get(), SIOCSIFMTU, &request) != 0) return fail_errno("setting {}'s MTU to {}", interface, mtu);
  return {};
}

Result<void> InterfaceSetter::set_mac(const std::string& interface, bridge::MacAddress mac) const {
  ifreq request = request_for(interface);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  mac.store(reinterpret_cast<std::byte*>(request.ifr_hwaddr.sa_data));
  if (ioctl(socket_.get(), SIOCSIFHWADDR, &request) != 0) return fail_errno("setting {}'s address", interface);
  return {};
}

Result<void> InterfaceSetter::take_up(const std::string& interface) const {
  ifreq request = request_for(interface);
  if (ioctl(socket_.get(), SIOCGIFFLAGS, &request) != 0) return fail_errno("reading {}'s flags", interface);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (ioctl(socket_.get(), SIOCSIFFLAGS, &request) != 0) return fail_errno("taking {} up", interface);
  return {};
}

Result<void> InterfaceSetter::set_address(const std::string& interface,
                                          const std::optional<services::Ipv4Network>& address) const {
  const std::string text = address ? ipv4_text(*address) : "none";
  ifreq request = request_for(interface);
  request.ifr_addr = socket_address(address ? address->address : 0);
  const bool removed_none = !address && ioctl(socket_.get(), SIOCGIFADDR, &request) != 0;
  if (removed_none) return {};
  request.ifr_addr = socket_address(address ? address->address : 0);
  if (ioctl(socket_.get(), SIOCSIFADDR, &request) != 0)
    return fail_errno("setting {}'s address to {}", interface, text);
  if (!address) return {};
  request.ifr_netmask = socket_address(address->mask());
  if (ioctl(socket_.get(), SIOCSIFNETMASK, &request) != 0)
    return fail_errno("setting {}'s address to {}", interface, text);
  request.ifr_broadaddr = socket_address(address->last());
  if (address->prefix < 31 && ioctl(socket_.get(), SIOCSIFBRDADDR, &request) != 0)
    return fail_errno("setting {}'s broadcast address", interface);
  return {};
}

Result<void> InterfaceSetter::set_default_route(const std::string& interface, services::Ipv4 router) const {
  std::string name = interface;  // the kernel's structure wants it writable
  rtentry route = {};
  route.rt_dst = route.rt_genmask = socket_address(0);
  route.rt_gateway = socket_address(router);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  route.rt_dev = name.data();
  if (ioctl(socket_.get(), SIOCADDRT, &route) == 0 || errno == EEXIST) return {};
  return fail_errno("the way out of {} by {}", interface, services::ipv4_text(router));
}

Result<int> InterfaceSetter::index_of(const std::string& interface) const {
  ifreq request = request_for(interface);
  if (ioctl(socket_.get(), SIOCGIFINDEX, &request) != 0) return fail_errno("interface {}", interface);
  return request.ifr_ifindex;
}

}  // namespace strata::network::ports

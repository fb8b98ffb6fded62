// Cards, sockets and the exchange of a DHCP client.
#include "init/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <string_view>

#include "init/dhcp.h"
#include "init/files.h"
#include "init/message.h"
#include "init/system_call.h"

namespace strata::init {
namespace {

constexpr std::uint16_t server_port = 67, client_port = 68;
constexpr std::size_t most_cards = 8;

std::uint16_t big_endian(std::uint16_t value) { return __builtin_bswap16(value); }
std::uint32_t big_endian(std::uint32_t value) { return __builtin_bswap32(value); }

struct Card {
  char name[IFNAMSIZ] = {};
  std::array<std::uint8_t, 6> mac{};
  Lease lease;
  bool has_lease = false;
};
// The cards stay for renewing.
Card cards[most_cards];
std::size_t card_count = 0;

ifreq request_for(const char* name) {
  ifreq request{};
  for (std::size_t i = 0; i + 1 < IFNAMSIZ && name[i] != 0; i++) request.ifr_name[i] = name[i];
  return request;
}

void set_address(sockaddr& at, std::uint32_t address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = big_endian(address);
  memcpy(&at, &in, sizeof at);
}

/// A socket for ioctls, and for DHCP where it is bound.
class Socket {
 public:
  Socket() : fd_(static_cast<int>(sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { sys::close(fd_); }
  int fd() const { return fd_; }

  long control(unsigned long request, ifreq& data) const { return sys::control(fd_, request, sys::word(&data)); }

 private:
  int fd_;
};

long set_up(const Socket& socket, const char* name) {
  ifreq request = request_for(name);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return socket.control(SIOCSIFFLAGS, request);
}

/// Hears what comes to the client's port on this card, for a while at a time.
long open_exchange(const Socket& socket, const char* card, long patience_ms) {
  const int yes = 1;
  const timeval patience{0, patience_ms * 1000};
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_port = big_endian(client_port);
  sys::set_option(socket.fd(), SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
  sys::set_option(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sys::set_option(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sys::set_option(socket.fd(), SOL_SOCKET, SO_BINDTODEVICE, card, strlen(card) + 1);
  return sys::bind(socket.fd(), &here, sizeof here);
}

std::optional<DhcpReply> ask(const Card& card, const DhcpRequest& request, long patience_ms) {
  const Socket socket;
  if (open_exchange(socket, card.name, patience_ms) != 0) return std::nullopt;
  sockaddr_in all{};
  all.sin_family = AF_INET;
  all.sin_port = big_endian(server_port);
  all.sin_addr.s_addr = ~std::uint32_t{0};
  const auto message = make_dhcp(request);
  sys::send_to(socket.fd(), message.data(), message.size(), &all, sizeof all);
  for (unsigned others = 0; others < 100; others++) {  // answers to other clients come to all, too
    std::uint8_t heard[1500];
    const long size = sys::read(socket.fd(), heard, sizeof heard);
    if (size <= 0) return std::nullopt;
    if (const auto reply = read_dhcp({heard, static_cast<std::size_t>(size)}, request.id)) return reply;
  }
  return std::nullopt;
}

std::uint32_t fresh_id() {
  std::uint32_t id = 0;
  if (sys::random(&id, sizeof id) == sizeof id) return id;
  sys::Time now{};  // the kernel has no random numbers yet; that the number differs between cards and tries is enough
  sys::uptime(&now);
  return static_cast<std::uint32_t>(now.nanoseconds);
}

/// Discover, offer, request, acknowledgement; again with more patience where nobody answers.
bool get_lease(Card& card) {
  constexpr std::array<long, 4> patience_ms{250, 500, 999, 999};
  for (const long patience : patience_ms) {
    DhcpRequest request{.type = DhcpType::discover, .id = fresh_id() ^ card.mac[5], .mac = card.mac};
    const auto offer = ask(card, request, patience);
    if (!offer || offer->type != DhcpType::offer) continue;
    request.type = DhcpType::request;
    request.lease = &offer->lease;
    const auto reply = ask(card, request, patience);
    if (!reply || reply->type != DhcpType::ack) continue;
    card.lease = reply->lease;
    return card.has_lease = true;
  }
  return false;
}

void set_interface(const Card& card, bool with_route) {
  const Socket socket;
  ifreq request = request_for(card.name);
  set_address(request.ifr_addr, card.lease.address);
  if (const long result = socket.control(SIOCSIFADDR, request); result != 0)
    complain("setting the address of", card.name, result);
  set_address(request.ifr_netmask, card.lease.mask);
  socket.control(SIOCSIFNETMASK, request);
  if (!with_route || card.lease.router == 0) return;
  rtentry route{};
  set_address(route.rt_dst, 0);
  set_address(route.rt_genmask, 0);
  set_address(route.rt_gateway, card.lease.router);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  if (const long result = sys::control(socket.fd(), SIOCADDRT, sys::word(&route)); result != 0)
    complain("setting the default route by", card.name, result);
}

void write_name_servers() {
  TextBuffer<512> text;
  for (std::size_t i = 0; i < card_count; i++) {
    const Lease& lease = cards[i].lease;
    for (unsigned server = 0; server < lease.name_server_count; server++) {
      const std::uint32_t address = lease.name_servers[server];
      text << "nameserver " << (address >> 24) << "." << (address >> 16 & 0xff) << "." << (address >> 8 & 0xff) << "."
           << (address & 0xff) << "\n";
    }
  }
  if (!std::string_view(text).empty()) write_system_file("/etc/resolv.conf", text);
}

void find_card(const char* name) {
  if (card_count == most_cards || std::string_view(name) == "lo") return;
  const Socket socket;
  ifreq request = request_for(name);
  if (socket.control(SIOCGIFHWADDR, request) != 0 || request.ifr_hwaddr.sa_family != 1 /* ARPHRD_ETHER */) return;
  Card& card = cards[card_count++];
  memcpy(card.name, request.ifr_name, IFNAMSIZ);
  memcpy(card.mac.data(), request.ifr_hwaddr.sa_data, card.mac.size());
}

/// Half of the shortest lease, when clients renew (RFC 2131, 4.4.5).
long next_renewal() {
  long next = 0;
  for (std::size_t i = 0; i < card_count; i++) {
    const std::uint32_t seconds = cards[i].lease.seconds;
    if (!cards[i].has_lease || seconds == 0 || seconds == UINT32_MAX) continue;
    const long half = seconds / 2 > 0 ? seconds / 2 : 1;
    if (next == 0 || half < next) next = half;
  }
  return next;
}

}  // namespace

void bring_up_loopback() {
  const Socket socket;
  set_up(socket, "lo");
}

long bring_up_network() {
  for_each_name("/sys/class/net", find_card);
  bool has_route = false;
  for (std::size_t i = 0; i < card_count; i++) {
    Card& card = cards[i];
    const Socket socket;
    if (const long result = set_up(socket, card.name); result != 0) {
      complain("switching on", card.name, result);
    } else if (!get_lease(card)) {
      complain("network", card.name, "nobody gives it an address (DHCP)");
    } else {
      set_interface(card, !has_route);
      has_route |= card.lease.router != 0;
    }
  }
  write_name_servers();
  return next_renewal();
}

long renew_leases() {
  for (std::size_t i = 0; i < card_count; i++) {
    Card& card = cards[i];
    if (!card.has_lease) continue;
    const DhcpRequest request{
        .type = DhcpType::request, .id = fresh_id(), .mac = card.mac, .lease = &card.lease, .renewing = true};
    const auto reply = ask(card, request, 500);
    // Whoever does not answer is asked again at the next turn, before the lease is over; the address stays meanwhile.
    if (reply && reply->type == DhcpType::ack && reply->lease.seconds != 0) card.lease.seconds = reply->lease.seconds;
    else card.lease.seconds = card.lease.seconds > 4 ? card.lease.seconds / 2 : 4;
  }
  return next_renewal();
}

}  // namespace strata::init

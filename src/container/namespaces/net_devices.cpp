// linux.netDevices by rtnetlink(7).
#include "container/namespaces/net_devices.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>
#include <vector>

namespace strata::container {
namespace {

/// A request: its header, the structure of its type, attributes.
class Message {
 public:
  template <class Body>
  Message(std::uint16_t type, std::uint16_t flags, const Body& body) : bytes_(NLMSG_LENGTH(sizeof body)) {
    const nlmsghdr header{0, type, static_cast<std::uint16_t>(flags | NLM_F_REQUEST | NLM_F_ACK), 1, 0};
    std::memcpy(bytes_.data(), &header, sizeof header);
    std::memcpy(bytes_.data() + NLMSG_HDRLEN, &body, sizeof body);
  }

  Message& add(std::uint16_t type, const void* value, std::size_t size) {
    const std::size_t at = NLMSG_ALIGN(bytes_.size());
    const rtattr attribute{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    bytes_.resize(at + RTA_SPACE(size));
    std::memcpy(bytes_.data() + at, &attribute, sizeof attribute);
    std::memcpy(bytes_.data() + at + RTA_LENGTH(0), value, size);
    return *this;
  }
  Message& add(std::uint16_t type, const std::string& text) { return add(type, text.c_str(), text.size() + 1); }

  std::span<const char> bytes() {
    const auto size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &size, sizeof size);
    return bytes_;
  }

 private:
  std::vector<char> bytes_;
};

/// An address of an interface, ready to be given to another.
struct Address {
  ifaddrmsg body;
  std::vector<std::pair<std::uint16_t, std::vector<char>>> attributes;
};

/// Reads what an answer tells of an address; nothing if it is of another interface, or does not stay.
bool read_address(const nlmsghdr& header, unsigned index, Address& address) {
  if (header.nlmsg_type != RTM_NEWADDR || header.nlmsg_len < NLMSG_LENGTH(sizeof(ifaddrmsg))) return false;
  const auto* body = static_cast<const ifaddrmsg*>(NLMSG_DATA(&header));
  std::uint32_t flags = body->ifa_flags;
  int left = static_cast<int>(IFA_PAYLOAD(&header));
  address = {.body = *body, .attributes = {}};
  for (auto* attribute = IFA_RTA(body); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    const auto* value = static_cast<const char*>(RTA_DATA(attribute));
    const std::size_t size = RTA_PAYLOAD(attribute);
    const std::uint16_t type = attribute->rta_type;
    if (type == IFA_FLAGS && size == sizeof flags) std::memcpy(&flags, value, size);
    if (type == IFA_ADDRESS || type == IFA_LOCAL || type == IFA_BROADCAST)
      address.attributes.emplace_back(type, std::vector<char>(value, value + size));
  }
  return body->ifa_index == index && body->ifa_scope == RT_SCOPE_UNIVERSE && (flags & IFA_F_PERMANENT) != 0;
}

/// Conversations with the kernel in one network namespace.
class Netlink {
 public:
  static Result<Netlink> open() {
    Netlink netlink(UniqueFd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)));
    if (!netlink.socket_) return fail_errno("opening a netlink socket");
    return netlink;
  }

  Result<void> request(Message message) {
    return converse(message, [](const nlmsghdr&) {});
  }

  /// The interface of that name, or an error that the kernel has words for.
  Result<unsigned> index_of(const std::string& name) {
    unsigned index = 0;
    Message message(RTM_GETLINK, 0, ifinfomsg{});
    message.add(IFLA_IFNAME, name);
    STRATA_TRY(converse(message, [&](const nlmsghdr& header) {
      if (header.nlmsg_type == RTM_NEWLINK)
        index = static_cast<unsigned>(static_cast<const ifinfomsg*>(NLMSG_DATA(&header))->ifi_index);
    }));
    return index;
  }

  Result<std::vector<Address>> addresses_of(unsigned index) {
    std::vector<Address> addresses;
    Message message(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
    STRATA_TRY(converse(message, [&](const nlmsghdr& header) {
      if (Address address; read_address(header, index, address)) addresses.push_back(std::move(address));
    }));
    return addresses;
  }

 private:
  explicit Netlink(UniqueFd socket) : socket_(std::move(socket)) {}

  /// Sends and hears the answers out, to the one that ends them.
  template <class Hear>
  Result<void> converse(Message& message, Hear hear) {
    const auto words = message.bytes();
    if (::send(socket_.get(), words.data(), words.size(), 0) < 0) return fail_errno("asking the kernel");
    alignas(nlmsghdr) std::array<char, 32768> buffer;
    for (;;) {
      const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return fail_errno("hearing the kernel");
      auto left = static_cast<std::size_t>(size);
      for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
           header = NLMSG_NEXT(header, left)) {
        if (header->nlmsg_type == NLMSG_DONE) return {};
        if (header->nlmsg_type != NLMSG_ERROR) {
          hear(*header);
          continue;
        }
        errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
        if (errno == 0) return {};
        return fail_errno("the kernel");
      }
    }
  }

  UniqueFd socket_;
};

/// A conversation in the network namespace of a process.
Result<Netlink> netlink_of(pid_t process) {
  const UniqueFd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  const UniqueFd other(::open(fmt::format("/proc/{}/ns/net", process).c_str(), O_RDONLY | O_CLOEXEC));
  if (!own || !other || ::setns(other.get(), CLONE_NEWNET) != 0) return fail_errno("the container's network namespace");
  auto netlink = Netlink::open();
  if (::setns(own.get(), CLONE_NEWNET) != 0) return fail_errno("coming back from the container's network namespace");
  return netlink;
}

Result<void> move_device(Netlink& here, Netlink& there, const std::string& name, const std::string& new_name,
                         pid_t process) {
  const unsigned index = STRATA_TRY(here.index_of(name));
  // The kernel would move it first and then see that the name is taken.
  if (there.index_of(new_name))
    return fail(ErrorCode::already_exists, "the container has an interface {} already", new_name);
  const auto addresses = STRATA_TRY(here.addresses_of(index));
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(index);
  const auto number = static_cast<std::uint32_t>(process);
  STRATA_TRY(here.request(
      Message(RTM_NEWLINK, 0, link).add(IFLA_NET_NS_PID, &number, sizeof number).add(IFLA_IFNAME, new_name)));
  link.ifi_index = static_cast<int>(STRATA_TRY(there.index_of(new_name)));
  link.ifi_flags = link.ifi_change = IFF_UP;
  STRATA_TRY(there.request(Message(RTM_NEWLINK, 0, link)));
  for (const Address& address : addresses) {
    ifaddrmsg body = address.body;
    body.ifa_index = static_cast<unsigned>(link.ifi_index);
    Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body);
    for (const auto& [type, value] : address.attributes) message.add(type, value.data(), value.size());
    STRATA_TRY(there.request(std::move(message)));
  }
  return {};
}

}  // namespace

Result<void> move_net_devices(const std::map<std::string, std::string>& devices, pid_t process) {
  if (devices.empty()) return {};
  auto here = STRATA_TRY(Netlink::open());
  auto there = STRATA_TRY(netlink_of(process));
  for (const auto& [name, new_name] : devices)
    STRATA_TRY(with_context(move_device(here, there, name, new_name, process), "linux.netDevices.{}", name));
  return {};
}

}  // namespace strata::container

// The fields and options of DHCP messages.
#include "init/dhcp.h"

namespace strata::init {
namespace {

// The fixed part (RFC 2131, figure 1).
constexpr std::size_t xid_at = 4, flags_at = 10, ciaddr_at = 12, yiaddr_at = 16, chaddr_at = 28, cookie_at = 236;
constexpr std::size_t options_at = 240;
constexpr std::uint8_t boot_request = 1, boot_reply = 2, ethernet = 1;
constexpr std::uint32_t cookie = 0x63825363;

// Options (RFC 2132).
enum Option : std::uint8_t {
  pad = 0,
  subnet_mask = 1,
  routers = 3,
  name_servers = 6,
  requested_address = 50,
  lease_time = 51,
  message_type = 53,
  server_id = 54,
  wanted_options = 55,
  end = 255,
};

std::uint32_t load(std::span<const std::uint8_t> at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3];
}

void store(std::uint8_t* at, std::uint32_t value) {
  for (unsigned i = 0; i < 4; i++) at[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

class OptionWriter {
 public:
  explicit OptionWriter(std::uint8_t* at) : at_(at) {}
  void add(Option option, std::span<const std::uint8_t> value) {
    *at_++ = option;
    *at_++ = static_cast<std::uint8_t>(value.size());
    for (const std::uint8_t octet : value) *at_++ = octet;
  }
  void add_address(Option option, std::uint32_t address) {
    std::uint8_t octets[4];
    store(octets, address);
    add(option, octets);
  }
  void close() { *at_ = end; }

 private:
  std::uint8_t* at_;
};

void read_option(DhcpReply& reply, std::uint8_t option, std::span<const std::uint8_t> value) {
  if (option == message_type && value.size() == 1) reply.type = static_cast<DhcpType>(value[0]);
  if (value.size() < 4) return;
  Lease& lease = reply.lease;
  if (option == subnet_mask) lease.mask = load(value);
  else if (option == routers) lease.router = load(value);
  else if (option == lease_time) lease.seconds = load(value);
  else if (option == server_id) lease.server = load(value);
  else if (option == name_servers)
    for (; value.size() >= 4 && lease.name_server_count < lease.name_servers.size(); value = value.subspan(4))
      lease.name_servers[lease.name_server_count++] = load(value);
}

}  // namespace

std::array<std::uint8_t, dhcp_size> make_dhcp(const DhcpRequest& request) {
  std::array<std::uint8_t, dhcp_size> message{};
  message[0] = boot_request;
  message[1] = ethernet;
  message[2] = 6;  // octets of an address
  store(&message[xid_at], request.id);
  // Without an address of our own yet we hear only what goes to all.
  if (!request.renewing) message[flags_at] = 0x80;
  for (std::size_t i = 0; i < request.mac.size(); i++) message[chaddr_at + i] = request.mac[i];
  store(&message[cookie_at], cookie);

  OptionWriter options(&message[options_at]);
  const std::uint8_t type = static_cast<std::uint8_t>(request.type);
  options.add(message_type, {&type, 1});
  if (request.lease != nullptr && request.renewing) {
    store(&message[ciaddr_at], request.lease->address);
  } else if (request.lease != nullptr) {
    options.add_address(requested_address, request.lease->address);
    options.add_address(server_id, request.lease->server);
  }
  constexpr std::uint8_t wanted[] = {subnet_mask, routers, name_servers, lease_time};
  options.add(wanted_options, wanted);
  options.close();
  return message;
}

std::optional<DhcpReply> read_dhcp(std::span<const std::uint8_t> message, std::uint32_t id) {
  if (message.size() < options_at || message[0] != boot_reply || load(message.subspan(xid_at)) != id ||
      load(message.subspan(cookie_at)) != cookie)
    return std::nullopt;
  DhcpReply reply{};
  reply.lease.address = load(message.subspan(yiaddr_at));
  std::span<const std::uint8_t> options = message.subspan(options_at);
  while (!options.empty() && options[0] != end) {
    if (options[0] == pad) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options.size() < 2U + options[1]) return std::nullopt;
    read_option(reply, options[0], options.subspan(2, options[1]));
    options = options.subspan(2U + options[1]);
  }
  return reply;
}

}  // namespace strata::init

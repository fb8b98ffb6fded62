// Reading and writing DHCP's fixed fields and its options.
#include "network/services/dhcp_message.h"

#include <algorithm>
#include <cctype>

namespace strata::network::services {
namespace {

constexpr uint8_t boot_request = 1, boot_reply = 2, hardware_ethernet = 1;
constexpr uint32_t magic_cookie = 0x63825363;
constexpr uint16_t broadcast_flag = 0x8000;
constexpr size_t smallest_message = 300;  // of BOOTP, which some clients still want

// RFC 2132.
enum Option : uint8_t {
  option_pad = 0,
  option_mask = 1,
  option_router = 3,
  option_name_server = 6,
  option_host_name = 12,
  option_domain = 15,
  option_mtu = 26,
  option_requested = 50,
  option_lease_time = 51,
  option_type = 53,
  option_server = 54,
  option_wanted = 55,
  option_renewal_time = 58,
  option_rebinding_time = 59,
  option_client_id = 61,
  option_end = 255,
};

std::string host_name_of(Bytes value) {
  std::string name;
  for (const std::byte byte : value) {
    const char c = std::to_integer<char>(byte);
    if (c == 0) break;
    name += c;
  }
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return name.size() <= 63 && std::all_of(name.begin(), name.end(), good) ? name : "";
}

void read_option(uint8_t code, Bytes value, DhcpRequest& request, bool& typed) {
  ByteReader reader(value);
  switch (code) {
    case option_type:
      request.type = static_cast<DhcpType>(reader.u8());
      typed = value.size() == 1;
      break;
    case option_requested:
      if (value.size() == 4) request.requested = reader.u32();
      break;
    case option_server:
      if (value.size() == 4) request.server = reader.u32();
      break;
    case option_client_id: request.client_id.assign(value.begin(), value.end()); break;
    case option_host_name: request.host_name = host_name_of(value); break;
    default: break;
  }
}

Ipv4 address_in(Bytes value) { return ByteReader(value).u32(); }

/// A domain comes to stand in resolv.conf: letters, digits, '-' and '.' only.
std::string domain_of(Bytes value) {
  std::string domain;
  for (const std::byte byte : value) {
    const char c = std::to_integer<char>(byte);
    if (c == 0) break;
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') return "";
    domain += c;
  }
  return domain;
}

void read_reply_option(uint8_t code, Bytes value, DhcpReply& reply, bool& typed) {
  ByteReader reader(value);
  if (code == option_type) {
    reply.type = static_cast<DhcpType>(reader.u8());
    typed = value.size() == 1;
  }
  if (code == option_domain) reply.domain = domain_of(value);
  if (code == option_mtu && value.size() == 2) reply.mtu = reader.u16();
  if (value.size() < 4 || value.size() % 4 != 0) return;
  switch (code) {
    case option_server: reply.server = address_in(value); break;
    case option_lease_time: reply.lease_seconds = address_in(value); break;
    case option_mask: reply.mask = address_in(value); break;
    case option_router: reply.router = address_in(value); break;  // the first is the one to take
    case option_name_server:
      while (reader.left() > 0) reply.name_servers.push_back(reader.u32());
      break;
    default: break;
  }
}

/// The fields of BOOTP in front of the options (RFC 2131, section 2), as far as either side uses them.
struct Fixed {
  uint32_t transaction = 0;
  uint16_t seconds = 0, flags = 0;
  Ipv4 client = 0, yours = 0, relay = 0;
  MacAddress mac;
};

std::optional<Fixed> read_fixed(ByteReader& reader, uint8_t operation) {
  if (reader.u8() != operation || reader.u8() != hardware_ethernet || reader.u8() != 6) return std::nullopt;
  Fixed fixed;
  reader.u8();  // hops
  fixed.transaction = reader.u32();
  fixed.seconds = reader.u16();
  fixed.flags = reader.u16();
  fixed.client = reader.u32();
  fixed.yours = reader.u32();
  reader.u32();  // siaddr
  fixed.relay = reader.u32();
  fixed.mac = reader.mac();
  reader.bytes(10 + 64 + 128);  // the rest of chaddr, sname, file
  if (reader.u32() != magic_cookie || !reader.good()) return std::nullopt;
  return fixed;
}

void write_fixed(ByteWriter& writer, uint8_t operation, const Fixed& fixed) {
  writer.u8(operation);
  writer.u8(hardware_ethernet);
  writer.u8(6);
  writer.u8(0);
  writer.u32(fixed.transaction);
  writer.u16(fixed.seconds);
  writer.u16(fixed.flags);
  writer.u32(fixed.client);
  writer.u32(fixed.yours);
  writer.u32(0);
  writer.u32(fixed.relay);
  writer.mac(fixed.mac);
  writer.zeros(10 + 64 + 128);
  writer.u32(magic_cookie);
}

/// false: they do not fit into the message.
template <class F>
bool each_option(ByteReader& reader, F&& take) {
  while (reader.left() > 0) {
    const uint8_t code = reader.u8();
    if (code == option_end) break;
    if (code == option_pad) continue;
    const Bytes value = reader.bytes(reader.u8());
    if (!reader.good()) return false;
    take(code, value);
  }
  return true;
}

void text_option(ByteWriter& writer, uint8_t code, std::string_view text) {
  if (text.empty() || text.size() > 255) return;
  writer.u8(code);
  writer.u8(static_cast<uint8_t>(text.size()));
  writer.bytes(std::as_bytes(std::span(text)));
}

void number_option(ByteWriter& writer, uint8_t code, uint32_t value) {
  writer.u8(code);
  writer.u8(4);
  writer.u32(value);
}

void write_options(ByteWriter& writer, const DhcpReply& reply, const DhcpRequest& request) {
  writer.u8(option_type);
  writer.u8(1);
  writer.u8(static_cast<uint8_t>(reply.type));
  number_option(writer, option_server, reply.server);
  if (reply.lease_seconds) {
    number_option(writer, option_lease_time, *reply.lease_seconds);
    number_option(writer, option_renewal_time, *reply.lease_seconds / 2);
    number_option(writer, option_rebinding_time, static_cast<uint32_t>(uint64_t{*reply.lease_seconds} * 7 / 8));
  }
  if (reply.mask) number_option(writer, option_mask, reply.mask);
  if (reply.router) number_option(writer, option_router, reply.router);
  const size_t servers = std::min<size_t>(reply.name_servers.size(), 8);
  if (servers) {
    writer.u8(option_name_server);
    writer.u8(static_cast<uint8_t>(4 * servers));
    for (size_t i = 0; i < servers; ++i) writer.u32(reply.name_servers[i]);
  }
  text_option(writer, option_domain, reply.domain);
  text_option(writer, option_host_name, reply.host_name);
  if (reply.mtu) {
    writer.u8(option_mtu);
    writer.u8(2);
    writer.u16(reply.mtu);
  }
  if (!request.client_id.empty() && request.client_id.size() <= 255) {  // RFC 6842
    writer.u8(option_client_id);
    writer.u8(static_cast<uint8_t>(request.client_id.size()));
    writer.bytes(request.client_id);
  }
  writer.u8(option_end);
}

}  // namespace

std::optional<DhcpRequest> read_dhcp(Bytes payload) {
  ByteReader reader(payload);
  const auto fixed = read_fixed(reader, boot_request);
  if (!fixed) return std::nullopt;
  DhcpRequest request;
  request.transaction = fixed->transaction;
  request.seconds = fixed->seconds;
  request.broadcast = (fixed->flags & broadcast_flag) != 0;
  request.client = fixed->client;
  request.relay = fixed->relay;
  request.mac = fixed->mac;
  bool typed = false;
  const bool whole = each_option(reader, [&](uint8_t code, Bytes value) { read_option(code, value, request, typed); });
  const bool known = request.type >= DhcpType::discover && request.type <= DhcpType::inform;
  return whole && typed && known ? std::optional(request) : std::nullopt;
}

Frame write_dhcp(const DhcpReply& reply, const DhcpRequest& request) {
  ByteWriter writer;
  write_fixed(writer, boot_reply,
              {.transaction = request.transaction,
               .flags = request.broadcast ? broadcast_flag : uint16_t{0},
               .client = reply.type == DhcpType::nak ? 0 : request.client,
               .yours = reply.yours,
               .mac = request.mac});
  write_options(writer, reply, request);
  if (writer.size() < smallest_message) writer.zeros(smallest_message - writer.size());
  return std::move(writer).take();
}

std::optional<DhcpReply> read_dhcp_reply(Bytes payload) {
  ByteReader reader(payload);
  const auto fixed = read_fixed(reader, boot_reply);
  if (!fixed) return std::nullopt;
  DhcpReply reply;
  reply.transaction = fixed->transaction;
  reply.mac = fixed->mac;
  reply.yours = fixed->yours;
  bool typed = false;
  const bool whole =
      each_option(reader, [&](uint8_t code, Bytes value) { read_reply_option(code, value, reply, typed); });
  const bool known = reply.type == DhcpType::offer || reply.type == DhcpType::ack || reply.type == DhcpType::nak;
  return whole && typed && known ? std::optional(reply) : std::nullopt;
}

Frame write_dhcp_request(const DhcpRequest& request) {
  ByteWriter writer;
  write_fixed(writer, boot_request,
              {.transaction = request.transaction,
               .seconds = request.seconds,
               .flags = request.broadcast ? broadcast_flag : uint16_t{0},
               .client = request.client,
               .mac = request.mac});
  writer.u8(option_type);
  writer.u8(1);
  writer.u8(static_cast<uint8_t>(request.type));
  if (request.requested) number_option(writer, option_requested, *request.requested);
  if (request.server) number_option(writer, option_server, *request.server);
  text_option(writer, option_host_name, request.host_name);
  constexpr uint8_t wanted[] = {option_mask, option_router, option_name_server, option_domain, option_mtu};
  writer.u8(option_wanted);
  writer.u8(sizeof wanted);
  writer.bytes(std::as_bytes(std::span(wanted)));
  writer.u8(option_end);
  if (writer.size() < smallest_message) writer.zeros(smallest_message - writer.size());
  return std::move(writer).take();
}

}  // namespace strata::network::services

// Reading and writing DHCP's fixed fields and its options.
#include "network/services/dhcp_message.h"

#include <algorithm>

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
  DhcpRequest request;
  if (reader.u8() != boot_request || reader.u8() != hardware_ethernet || reader.u8() != 6) return std::nullopt;
  reader.u8();  // hops
  request.transaction = reader.u32();
  request.seconds = reader.u16();
  request.broadcast = (reader.u16() & broadcast_flag) != 0;
  request.client = reader.u32();
  reader.u32();  // yiaddr
  reader.u32();  // siaddr
  request.relay = reader.u32();
  request.mac = reader.mac();
  reader.bytes(10 + 64 + 128);  // the rest of chaddr, sname, file
  if (reader.u32() != magic_cookie || !reader.good()) return std::nullopt;
  bool typed = false;
  while (reader.left() > 0) {
    const uint8_t code = reader.u8();
    if (code == option_end) break;
    if (code == option_pad) continue;
    const Bytes value = reader.bytes(reader.u8());
    if (!reader.good()) return std::nullopt;
    read_option(code, value, request, typed);
  }
  const bool known = request.type >= DhcpType::discover && request.type <= DhcpType::inform;
  return typed && known ? std::optional(request) : std::nullopt;
}

Frame write_dhcp(const DhcpReply& reply, const DhcpRequest& request) {
  ByteWriter writer;
  writer.u8(boot_reply);
  writer.u8(hardware_ethernet);
  writer.u8(6);
  writer.u8(0);
  writer.u32(request.transaction);
  writer.u16(0);
  writer.u16(request.broadcast ? broadcast_flag : 0);
  writer.u32(reply.type == DhcpType::nak ? 0 : request.client);
  writer.u32(reply.yours);
  writer.u32(0);
  writer.u32(0);
  writer.mac(request.mac);
  writer.zeros(10 + 64 + 128);
  writer.u32(magic_cookie);
  write_options(writer, reply, request);
  if (writer.size() < smallest_message) writer.zeros(smallest_message - writer.size());
  return std::move(writer).take();
}

}  // namespace strata::network::services

// IGMP and MLD messages read, versions 1 to 3 and 1 to 2.
#include "network/protocols/group_message.h"

#include <algorithm>

#include "base/internet_checksum.h"

namespace strata::network::protocols {
namespace {

using Kind = GroupMessage::Kind;
using Milliseconds = std::chrono::milliseconds;

constexpr size_t addresses_size = 2 * bridge::MacAddress::size;
constexpr uint8_t protocol_igmp = 2;
constexpr uint8_t next_header_hop_by_hop = 0;
constexpr uint8_t next_header_icmpv6 = 58;

enum Igmp : uint8_t {
  igmp_query = 0x11,
  igmp_report_v1 = 0x12,
  igmp_report_v2 = 0x16,
  igmp_leave = 0x17,
  igmp_report_v3 = 0x22,
};
enum Mld : uint8_t { mld_query = 130, mld_report_v1 = 131, mld_done = 132, mld_report_v2 = 143 };

/// Group record types (RFC 3376, 4.2.12).
enum RecordType : uint8_t {
  is_include = 1,
  is_exclude = 2,
  to_include = 3,
  to_exclude = 4,
  allow_new = 5,
  block_old = 6
};

/// Max Resp Code and QQIC are numbers or, from 0x80 on, floating point (RFC 3376, 4.1.1 and 4.1.7).
unsigned decode_code8(uint8_t code) { return code < 0x80 ? code : ((code & 0xfu) | 0x10u) << ((code >> 4 & 7u) + 3); }
unsigned decode_code16(uint16_t code) {  // RFC 3810, 5.1.3
  return code < 0x8000 ? code : ((code & 0xfffu) | 0x1000u) << ((code >> 12 & 7u) + 3);
}

void take_querier_values(WireReader& from, GroupMessage& message) {
  const uint8_t robustness = from.take<uint8_t>() & 7;
  const uint8_t interval = from.take<uint8_t>();
  if (robustness != 0) message.robustness = robustness;
  if (interval != 0) message.query_interval = std::chrono::seconds(decode_code8(interval));
}

// Whether a record of this type asks for anything. A blocked source says nothing of the others.
std::optional<bool> joins(uint8_t type, uint16_t sources) {
  switch (type) {
    case is_include:
    case to_include: return sources > 0;
    case is_exclude:
    case to_exclude:
    case allow_new: return true;
    default: return std::nullopt;
  }
}

/// The records of an IGMPv3 or MLDv2 report, from their number on; false if it ends too early.
template <class TakeGroup>
bool take_records(WireReader& from, GroupMessage& message, size_t address_size, TakeGroup take_group) {
  const auto count = from.take<uint16_t>();
  for (unsigned i = 0; i < count && !from.failed(); ++i) {
    const auto type = from.take<uint8_t>();
    const auto auxiliary_words = from.take<uint8_t>();
    const auto sources = from.take<uint16_t>();
    const GroupAddress group = take_group(from);
    from.take_bytes(sources * address_size + auxiliary_words * 4u);
    const auto wanted = joins(type, sources);
    if (wanted && !from.failed()) message.records.push_back({group, *wanted});
  }
  return !from.failed();
}

std::optional<GroupMessage> decode_igmp(Bytes bytes, uint32_t source) {
  if (internet_sum(bytes) != 0xffff) return std::nullopt;
  WireReader from(bytes);
  GroupMessage message;
  const auto type = from.take<uint8_t>();
  const auto code = from.take<uint8_t>();
  from.take<uint16_t>();  // checksum
  const auto take_group = [](WireReader& at) { return ipv4_group(at.take<uint32_t>()); };
  switch (type) {
    case igmp_query: {
      message.names_querier = source != 0;
      const auto group = from.take<uint32_t>();
      if (group != 0) message.group = ipv4_group(group);
      const bool is_version_3 = !from.rest().empty();
      const unsigned tenths = is_version_3 ? decode_code8(code) : code;
      message.max_response_time = Milliseconds(code == 0 ? 10'000 : tenths * 100);  // version 1 says nothing of it
      if (is_version_3) take_querier_values(from, message);
      break;
    }
    case igmp_report_v1:
    case igmp_report_v2:
    case igmp_leave:
      message.kind = Kind::report;
      message.records.push_back({take_group(from), type != igmp_leave});
      break;
    case igmp_report_v3:
      message.kind = Kind::report;
      from.take<uint16_t>();
      if (!take_records(from, message, 4, take_group)) return std::nullopt;
      break;
    default: return std::nullopt;
  }
  return from.failed() ? std::nullopt : std::optional(message);
}

std::optional<GroupMessage> decode_ipv4(WireReader packet) {
  const Bytes whole = packet.rest();
  const auto version_and_length = packet.take<uint8_t>();
  packet.take<uint8_t>();
  const auto total = packet.take<uint16_t>();
  packet.take<uint16_t>();
  const auto fragment = packet.take<uint16_t>();
  packet.take<uint8_t>();
  const auto protocol = packet.take<uint8_t>();
  packet.take<uint16_t>();
  const auto source = packet.take<uint32_t>();
  const size_t header = (version_and_length & 15u) * 4u;
  if (packet.failed() || version_and_length >> 4 != 4 || header < 20 || total < header || total > whole.size() ||
      protocol != protocol_igmp || (fragment & 0x3fff) != 0) {
    return std::nullopt;
  }
  return decode_igmp(whole.first(total).subspan(header), source);
}

std::optional<GroupMessage> decode_mld(Bytes bytes, Bytes addresses) {
  const uint32_t pseudo_header =
      uint32_t{internet_sum(addresses)} + static_cast<uint32_t>(bytes.size()) + next_header_icmpv6;
  if (internet_sum(bytes, pseudo_header) != 0xffff) return std::nullopt;
  WireReader from(bytes);
  GroupMessage message;
  message.is_ipv6 = true;
  const auto type = from.take<uint8_t>();
  from.take<uint8_t>();
  from.take<uint16_t>();  // checksum
  const auto take_group = [](WireReader& at) { return at.take_array<16>(); };
  if (type == mld_report_v2) {
    message.kind = Kind::report;
    from.take<uint16_t>();
    return take_records(from, message, 16, take_group) ? std::optional(message) : std::nullopt;
  }
  const auto code = from.take<uint16_t>();
  from.take<uint16_t>();
  const GroupAddress group = take_group(from);
  if (from.failed()) return std::nullopt;
  if (type == mld_report_v1 || type == mld_done) {
    message.kind = Kind::report;
    message.records.push_back({group, type == mld_report_v1});
    return message;
  }
  if (type != mld_query) return std::nullopt;
  message.names_querier = true;  // its source has to be a link-local address, which decode_ipv6 has looked at
  if (group != GroupAddress{}) message.group = group;
  const bool is_version_2 = !from.rest().empty();
  message.max_response_time = Milliseconds(is_version_2 ? decode_code16(code) : code);
  if (is_version_2) take_querier_values(from, message);
  return message;
}

// MLD stands behind a hop-by-hop header and is sent from link-local addresses, reports also from none (RFC 3810, 5).
std::optional<GroupMessage> decode_ipv6(WireReader packet) {
  const auto first = packet.take<uint32_t>();
  const auto length = packet.take<uint16_t>();
  const auto next_header = packet.take<uint8_t>();
  const auto hop_limit = packet.take<uint8_t>();
  const Bytes addresses = packet.take_bytes(32);
  if (packet.failed() || first >> 28 != 6 || next_header != next_header_hop_by_hop || hop_limit != 1 ||
      length > packet.rest().size()) {
    return std::nullopt;
  }
  WireReader payload(packet.rest().first(length));
  const auto after_options = payload.take<uint8_t>();
  const auto words = payload.take<uint8_t>();
  payload.take_bytes(words * 8u + 6);
  if (payload.failed() || after_options != next_header_icmpv6) return std::nullopt;
  const bool is_link_local = addresses[0] == std::byte{0xfe} && (addresses[1] & std::byte{0xc0}) == std::byte{0x80};
  const bool is_unspecified =
      std::all_of(addresses.begin(), addresses.begin() + 16, [](std::byte byte) { return byte == std::byte{0}; });
  if (!is_link_local && !is_unspecified) return std::nullopt;
  auto message = decode_mld(payload.rest(), addresses);
  if (message && message->kind == Kind::query && !is_link_local) return std::nullopt;
  return message;
}

}  // namespace

GroupAddress ipv4_group(uint32_t address) {
  GroupAddress group{};
  group[10] = group[11] = 0xff;
  store_be<uint32_t>(&group[12], address);
  return group;
}

bool is_ipv4_group(const GroupAddress& group) { return group[0] == 0; }

bridge::MacAddress mac_of_group(const GroupAddress& group) {
  const auto low = load_be<uint32_t>(&group[12]);
  if (is_ipv4_group(group)) return bridge::MacAddress(0x0100'5e00'0000 | (low & 0x7f'ffff));
  return bridge::MacAddress(0x3333'0000'0000 | low);
}

std::optional<GroupMessage> decode_group_message(Bytes frame) {
  WireReader from(frame);
  from.take_bytes(addresses_size);
  switch (from.take<uint16_t>()) {
    case 0x0800: return decode_ipv4(from);
    case 0x86dd: return decode_ipv6(from);
    default: return std::nullopt;
  }
}

}  // namespace strata::network::protocols

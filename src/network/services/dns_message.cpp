// Reading DNS queries and writing answers with at most one record.
#include "network/services/dns_message.h"

#include <algorithm>
#include <cctype>

namespace strata::network::services {
namespace {

// Section 4.1.1.
constexpr uint16_t flag_response = 0x8000, flag_authoritative = 0x0400, flag_recursion_desired = 0x0100,
                   flag_recursion_available = 0x0080, opcode_mask = 0x7800;
constexpr uint16_t class_internet = 1;
constexpr uint16_t pointer_to_question = 0xc000 | 12;  // section 4.1.4; the header has twelve octets
constexpr uint32_t seconds_to_live = 30;               // leases come and go

/// A name without compression, which questions have no use for.
std::optional<std::string> read_name(ByteReader& reader) {
  std::string name;
  while (const uint8_t size = reader.u8()) {
    if (size > 63 || name.size() + size > 253) return std::nullopt;
    if (!name.empty()) name += '.';
    for (const std::byte byte : reader.bytes(size)) {
      name += static_cast<char>(std::tolower(std::to_integer<unsigned char>(byte)));
    }
  }
  return reader.good() ? std::optional(name) : std::nullopt;
}

void write_name(ByteWriter& writer, std::string_view name) {
  while (!name.empty()) {
    const std::string_view label = name.substr(0, std::min<size_t>(name.find('.'), 63));
    writer.u8(static_cast<uint8_t>(label.size()));
    writer.bytes(std::as_bytes(std::span(label)));
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  writer.u8(0);
}

ByteWriter begin_answer(const DnsQuery& query, DnsCode code, uint16_t records) {
  ByteWriter writer;
  writer.u16(query.id);
  writer.u16(static_cast<uint16_t>(flag_response | flag_authoritative | flag_recursion_available |
                                   (query.recursion_desired ? flag_recursion_desired : 0) |
                                   static_cast<uint8_t>(code)));
  writer.u16(1);
  writer.u16(records);
  writer.u32(0);  // no authorities, nothing additional
  writer.bytes(query.question);
  if (records == 0) return writer;
  writer.u16(pointer_to_question);
  writer.u16(query.type);
  writer.u16(class_internet);
  writer.u32(seconds_to_live);
  return writer;
}

}  // namespace

std::optional<DnsQuery> read_dns_query(Bytes payload) {
  ByteReader reader(payload);
  DnsQuery query;
  query.id = reader.u16();
  const uint16_t flags = reader.u16();
  const uint16_t questions = reader.u16();
  reader.bytes(6);
  if (!reader.good() || (flags & (flag_response | opcode_mask)) != 0 || questions != 1) return std::nullopt;
  query.recursion_desired = (flags & flag_recursion_desired) != 0;
  const auto name = read_name(reader);
  if (!name) return std::nullopt;
  query.name = *name;
  query.type = reader.u16();
  if (reader.u16() != class_internet || !reader.good()) return std::nullopt;
  query.question = payload.subspan(12, payload.size() - 12 - reader.left());
  return query;
}

Frame make_dns_answer(const DnsQuery& query, Ipv4 address) {
  ByteWriter writer = begin_answer(query, DnsCode::no_error, 1);
  writer.u16(4);
  writer.u32(address);
  return std::move(writer).take();
}

Frame make_dns_answer(const DnsQuery& query, std::string_view name) {
  ByteWriter target;
  write_name(target, name);
  ByteWriter writer = begin_answer(query, DnsCode::no_error, 1);
  writer.u16(static_cast<uint16_t>(target.size()));
  writer.bytes(target.from(0));
  return std::move(writer).take();
}

Frame make_dns_answer(const DnsQuery& query, DnsCode code) { return begin_answer(query, code, 0).take(); }

std::optional<Ipv4> address_of_reverse_name(std::string_view name) {
  constexpr std::string_view ending = ".in-addr.arpa";
  if (!name.ends_with(ending)) return std::nullopt;
  const auto backwards = parse_ipv4(name.substr(0, name.size() - ending.size()));
  if (!backwards) return std::nullopt;
  return __builtin_bswap32(*backwards);
}

}  // namespace strata::network::services

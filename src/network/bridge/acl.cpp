// Access lists: reading a frame's headers and judging them by the rules.
#include "network/bridge/acl.h"

#include <algorithm>
#include <charconv>

namespace strata::network::bridge {

namespace {

constexpr std::uint16_t ipv4_type = 0x0800;
constexpr std::uint16_t ipv6_type = 0x86dd;

// What the rules may ask for. What could not be read because the frame is cut or wrong is told from what is not there.
struct Headers {
  std::uint16_t ether_type = 0;
  bool damaged = false;  // says it is IP, but cannot be read to its ports
  bool ip = false;
  bool v6 = false;
  std::span<const std::byte> source_ip;
  std::span<const std::byte> destination_ip;
  bool has_protocol = false;
  std::uint8_t protocol = 0;
  bool has_ports = false;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

bool is_tag(std::uint16_t type) {
  return type == static_cast<std::uint16_t>(TagType::c_vlan) || type == static_cast<std::uint16_t>(TagType::s_vlan);
}

bool protocol_has_ports(std::uint8_t protocol) {
  return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}

void read_transport(Headers& headers, std::span<const std::byte> packet, std::uint8_t protocol) {
  headers.has_protocol = true;
  headers.protocol = protocol;
  if (!protocol_has_ports(protocol)) return;
  if (packet.size() < 4) {
    headers.damaged = true;
    return;
  }
  headers.has_ports = true;
  headers.source_port = load_be<std::uint16_t>(packet.data());
  headers.destination_port = load_be<std::uint16_t>(packet.data() + 2);
}

void read_ipv4(Headers& headers, std::span<const std::byte> packet) {
  headers.damaged = true;
  if (packet.size() < 20) return;
  const auto first = std::to_integer<unsigned>(packet[0]);
  const std::size_t length = (first & 0xf) * 4;
  if (first >> 4 != 4 || length < 20 || packet.size() < length) return;
  headers.damaged = false;
  headers.ip = true;
  headers.source_ip = packet.subspan(12, 4);
  headers.destination_ip = packet.subspan(16, 4);
  const auto protocol = std::to_integer<std::uint8_t>(packet[9]);
  if ((load_be<std::uint16_t>(packet.data() + 6) & 0x1fff) != 0) {  // a later fragment
    headers.has_protocol = true;
    headers.protocol = protocol;
    return;
  }
  read_transport(headers, packet.subspan(length), protocol);
}

// Walks over extension headers (RFC 8200, 4): hop-by-hop 0, routing 43, fragment 44, authentication 51, options 60.
void read_ipv6(Headers& headers, std::span<const std::byte> packet) {
  headers.damaged = true;
  if (packet.size() < 40 || std::to_integer<unsigned>(packet[0]) >> 4 != 6) return;
  headers.ip = headers.v6 = true;
  headers.source_ip = packet.subspan(8, 16);
  headers.destination_ip = packet.subspan(24, 16);
  auto next = std::to_integer<std::uint8_t>(packet[6]);
  packet = packet.subspan(40);
  for (int extensions = 0; extensions < 16; ++extensions) {
    const bool fragment = next == 44;
    if (!fragment && next != 0 && next != 43 && next != 51 && next != 60) {
      headers.damaged = false;
      return read_transport(headers, packet, next);
    }
    if (packet.size() < 8) return;
    const auto field = std::to_integer<std::size_t>(packet[1]);
    const std::size_t length = fragment ? 8 : next == 51 ? (field + 2) * 4 : (field + 1) * 8;
    if (packet.size() < length) return;
    next = std::to_integer<std::uint8_t>(packet[0]);
    if (fragment && (load_be<std::uint16_t>(packet.data() + 2) & 0xfff8) != 0) {
      headers.damaged = false;
      headers.has_protocol = true;
      headers.protocol = next;
      return;
    }
    packet = packet.subspan(length);
  }
}

Headers read_headers(std::span<const std::byte> frame) {
  Headers headers;
  std::size_t at = 2 * MacAddress::size;
  headers.ether_type = load_be<std::uint16_t>(frame.data() + at);
  while (is_tag(headers.ether_type) && frame.size() >= at + Tag::size + 2) {
    at += Tag::size;
    headers.ether_type = load_be<std::uint16_t>(frame.data() + at);
  }
  const auto packet = frame.subspan(at + 2);
  if (is_tag(headers.ether_type)) headers.damaged = true;  // cut in a tag
  if (headers.ether_type == ipv4_type) read_ipv4(headers, packet);
  if (headers.ether_type == ipv6_type) read_ipv6(headers, packet);
  return headers;
}

bool matches(const std::optional<MacMatch>& match, MacAddress address) {
  return !match || (address.value() & match->mask.value()) == (match->address.value() & match->mask.value());
}

bool reads_ip(const AclRule& rule) {
  return rule.source_ip || rule.destination_ip || rule.protocol || rule.source_port || rule.destination_port;
}

bool matches_ip(const AclRule& rule, const Headers& headers) {
  const auto outside = [&](const std::optional<IpPrefix>& prefix, std::span<const std::byte> address) {
    return prefix && (!headers.ip || prefix->v6 != headers.v6 || !prefix->contains(address));
  };
  if (outside(rule.source_ip, headers.source_ip) || outside(rule.destination_ip, headers.destination_ip)) return false;
  if (rule.protocol && (!headers.has_protocol || headers.protocol != *rule.protocol)) return false;
  if (rule.source_port && (!headers.has_ports || !rule.source_port->contains(headers.source_port))) return false;
  return !rule.destination_port || (headers.has_ports && rule.destination_port->contains(headers.destination_port));
}

bool matches(const AclRule& rule, Vid vid, std::span<const std::byte> frame, const Headers& headers) {
  if (!matches(rule.destination, MacAddress::load(frame.data()))) return false;
  if (!matches(rule.source, MacAddress::load(frame.data() + MacAddress::size))) return false;
  if (rule.vlans && !rule.vlans->contains(vid)) return false;
  if (rule.ether_type && *rule.ether_type != headers.ether_type) return false;
  if (!reads_ip(rule)) return true;
  if (headers.damaged) return rule.action == AclRule::Action::deny;
  return matches_ip(rule, headers);
}

Result<void> check(const AclRule& rule) {
  for (const auto& prefix : {rule.source_ip, rule.destination_ip})
    if (prefix && prefix->length > (prefix->v6 ? 128 : 32))
      return fail(ErrorCode::usage, "prefix length {}; at most {} bits", prefix->length, prefix->v6 ? 128 : 32);
  if (rule.source_ip && rule.destination_ip && rule.source_ip->v6 != rule.destination_ip->v6)
    return fail(ErrorCode::usage, "source {} and destination {} are of different families", to_string(*rule.source_ip),
                to_string(*rule.destination_ip));
  for (const auto& range : {rule.source_port, rule.destination_port, rule.vlans})
    if (range && range->first > range->last)
      return fail(ErrorCode::usage, "the range {}-{} ends before it begins", range->first, range->last);
  if (rule.vlans && (!is_vlan(rule.vlans->first) || !is_vlan(rule.vlans->last)))
    return fail(ErrorCode::usage, "VLANs {}-{}; VLANs are 1 to 4094", rule.vlans->first, rule.vlans->last);
  return {};
}

}  // namespace

Result<void> validate(const Acl& acl) {
  for (std::size_t i = 0; i < acl.size(); ++i) STRATA_TRY(with_context(check(acl[i]), "rule {}", i + 1));
  return {};
}

bool permits(const Acl& acl, Vid vid, std::span<const std::byte> frame) {
  if (acl.empty()) return true;
  const Headers headers = read_headers(frame);
  const auto rule = std::find_if(acl.begin(), acl.end(),
                                 [&](const AclRule& candidate) { return matches(candidate, vid, frame, headers); });
  return rule == acl.end() || rule->action == AclRule::Action::permit;
}

bool IpPrefix::contains(std::span<const std::byte> octets) const {
  const std::size_t whole = length / 8;
  if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), octets.begin())) return false;
  if (length % 8 == 0) return true;
  return std::to_integer<unsigned>(address[whole] ^ octets[whole]) >> (8 - length % 8) == 0;
}

}  // namespace strata::network::bridge

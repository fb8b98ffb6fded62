// Frames from their text.
#include "tests/network/frame_text.h"

#include <arpa/inet.h>

#include "network/bridge/acl.h"
#include "tests/network/words.h"

namespace strata::network::conformance {

namespace {

using bridge::MacAddress;
using bridge::Offload;
using bridge::Tag;
using bridge::TagType;
using Octets = std::vector<std::byte>;

constexpr std::size_t least_payload = 46;

void append16(Octets& octets, std::uint64_t value) {
  octets.push_back(static_cast<std::byte>(value >> 8));
  octets.push_back(static_cast<std::byte>(value));
}

bool is_tag_word(std::string_view word) {
  if (word.starts_with('s')) word.remove_prefix(1);
  return !word.empty() && word[0] >= '0' && word[0] <= '9';
}

// "10", "10p5", "10p5d", "s100".
Tag parse_tag(std::string_view word) {
  Tag tag;
  if (word.starts_with('s')) tag.type = TagType::s_vlan, word.remove_prefix(1);
  if (word.ends_with('d')) tag.drop_eligible = true, word.remove_suffix(1);
  const auto [vid, priority] = split_pair(word, 'p');
  tag.vid = static_cast<bridge::Vid>(number(vid));
  if (!priority.empty()) tag.priority = static_cast<std::uint8_t>(number(priority));
  return tag;
}

// What stands between the tags and the end.
struct Payload {
  std::uint64_t ether_type = 0x88b5;  // local experimental (802-2014, 9.2.3)
  std::string source, destination;    // IP
  bool v6 = false;
  std::uint64_t protocol = 59;  // no next header
  std::uint64_t fragment = 0;
  Octets transport;
  std::size_t size = least_payload;  // without the EtherType

  void ports(std::uint64_t ip_protocol, std::string_view text) {
    protocol = ip_protocol;
    const auto [from, to] = split_pair(text, '>');
    append16(transport, number(from));
    append16(transport, number(to));
    transport.resize(ip_protocol == 6 ? 20 : 8);
  }
  Octets build() const;
};

Octets ip_header(const Payload& payload) {
  Octets header(payload.v6 ? 40 : 20);
  const int family = payload.v6 ? AF_INET6 : AF_INET;
  const std::size_t address = payload.v6 ? 16 : 4, at = payload.v6 ? 8 : 12;
  header[0] = std::byte{payload.v6 ? std::uint8_t{0x60} : std::uint8_t{0x45}};
  header[payload.v6 ? 6 : 9] = static_cast<std::byte>(payload.protocol);
  if (!payload.v6) store_be<std::uint16_t>(header.data() + 6, static_cast<std::uint16_t>(payload.fragment / 8));
  if (inet_pton(family, payload.source.c_str(), header.data() + at) != 1 ||
      inet_pton(family, payload.destination.c_str(), header.data() + at + address) != 1)
    throw Mistake(fmt::format("'{}>{}' are no IP addresses", payload.source, payload.destination));
  return header;
}

Octets Payload::build() const {
  Octets octets;
  append16(octets, ether_type);
  if (!source.empty()) {
    const auto header = ip_header(*this);
    octets.insert(octets.end(), header.begin(), header.end());
  }
  octets.insert(octets.end(), transport.begin(), transport.end());
  for (std::size_t i = octets.size(); i < 2 + size; ++i) octets.push_back(static_cast<std::byte>(i));
  return octets;
}

// MLD: a hop-by-hop header with the router alert option, then ICMPv6 of this type (RFC 3810, 5).
void mld(Payload& payload, std::uint64_t type) {
  payload.ether_type = 0x86dd, payload.v6 = true, payload.protocol = 0;
  payload.source = "fe80::1", payload.destination = "ff02::16";
  payload.transport = {std::byte{58}, std::byte{0}, std::byte{5}, std::byte{2},
                       std::byte{0},  std::byte{0}, std::byte{1}, std::byte{0}};
  payload.transport.push_back(static_cast<std::byte>(type));
  payload.transport.resize(32);
}

void igmp(Payload& payload, std::uint64_t type) {
  payload.ether_type = 0x0800, payload.protocol = 2;
  payload.source = "10.0.0.1", payload.destination = "224.0.0.22";
  payload.transport = {static_cast<std::byte>(type)};
  payload.transport.resize(8);
}

bool read_payload_word(Payload& payload, std::string_view key, std::string_view value) {
  const auto addresses = [&](std::uint64_t type) {
    const auto [from, to] = split_pair(value, '>');
    payload.ether_type = type, payload.v6 = type == 0x86dd;
    payload.source = from, payload.destination = to;
  };
  if (key == "type") return payload.ether_type = number(value, 16), true;
  if (key == "payload") return payload.size = number(value), true;
  if (key == "ip") return addresses(0x0800), true;
  if (key == "ip6") return addresses(0x86dd), true;
  if (key == "tcp") return payload.ports(6, value), true;
  if (key == "udp") return payload.ports(17, value), true;
  if (key == "protocol") return payload.protocol = number(value), true;
  if (key == "fragment") return payload.fragment = number(value), true;
  if (key == "igmp") return igmp(payload, number(value, 16)), true;
  if (key == "mld") return mld(payload, number(value)), true;
  return false;
}

WireFrame parse_hex(std::string_view text) {
  WireFrame frame;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    frame.octets.push_back(static_cast<std::byte>(number(text.substr(i, 2), 16)));
  return frame;
}

}  // namespace

MacAddress parse_station(std::string_view text) {
  if (text == "*") return MacAddress(0xffff'ffff'ffff);
  if (text == "m") return MacAddress(0x0100'5e01'0203);  // a group of IPv4
  if (text == "n") return MacAddress(0x3333'0001'0203);  // and of IPv6
  if (text == "g") return MacAddress(0x0300'0000'0001);  // and of no IP
  if (text.size() == 1) return MacAddress(0x0200'0000'0000 | static_cast<unsigned char>(text[0]));
  return must(MacAddress::parse(text));
}

WireFrame parse_frame(std::string_view text) {
  const auto words = split(text, ' ');
  if (words.empty()) throw Mistake("a frame is missing");
  if (words[0].starts_with("hex=")) return parse_hex(words[0].substr(4));
  WireFrame frame;
  Octets& octets = frame.octets;
  const auto [to, from] = split_pair(words[0], '<');
  octets.resize(2 * MacAddress::size);
  parse_station(to).store(octets.data());
  parse_station(from).store(octets.data() + MacAddress::size);

  Payload payload;
  std::size_t cut = SIZE_MAX;
  bool needs_checksum = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto [key, value] = split_pair(words[i]);
    if (is_tag_word(words[i])) {
      const Tag tag = parse_tag(words[i]);
      append16(octets, static_cast<std::uint16_t>(tag.type));
      append16(octets, tag.control());
    } else if (key == "cut") {
      cut = number(value);
    } else if (key == "gso") {
      frame.offload.gso = Offload::Gso::tcp4;
      frame.offload.gso_size = static_cast<std::uint16_t>(number(value));
      needs_checksum = true;
    } else if (key == "checksum") {
      needs_checksum = true;
    } else if (!read_payload_word(payload, key, value)) {
      throw Mistake(fmt::format("'{}' says nothing about a frame", words[i]));
    }
  }
  const auto network = static_cast<std::uint16_t>(octets.size() + 2);
  const auto rest = payload.build();
  octets.insert(octets.end(), rest.begin(), rest.end());
  if (needs_checksum) {
    frame.offload.needs_checksum = true;
    frame.offload.checksum_start = static_cast<std::uint16_t>(network + 20);
    frame.offload.checksum_offset = 16;
  }
  if (frame.offload.gso != Offload::Gso::none) frame.offload.header_length = static_cast<std::uint16_t>(network + 40);
  if (octets.size() > cut) octets.resize(cut);
  return frame;
}

std::string describe(const WireFrame& frame) {
  constexpr std::size_t shown = 64;
  std::string text = fmt::format("{} octets:", frame.octets.size());
  for (std::size_t i = 0; i < std::min(frame.octets.size(), shown); ++i)
    text += fmt::format("{}{:02x}", i % 2 == 0 ? " " : "", std::to_integer<unsigned>(frame.octets[i]));
  if (frame.octets.size() > shown) text += " ...";
  const auto& offload = frame.offload;
  if (offload != bridge::Offload{})
    text += fmt::format(" (gso {}, header {}, checksum at {}+{})", offload.gso_size, offload.header_length,
                        offload.checksum_start, offload.checksum_offset);
  return text;
}

}  // namespace strata::network::conformance

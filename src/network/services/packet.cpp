// Taking packets apart and putting them together (RFC 791, 768, 792, 826, 1071).
#include "network/services/packet.h"

#include "base/internet_checksum.h"

namespace strata::network::services {
namespace {

constexpr uint16_t ethertype_ipv4 = 0x0800, ethertype_arp = 0x0806;
constexpr size_t ip_header_size = 20, udp_header_size = 8;
constexpr uint8_t echo_request = 8;

uint32_t pseudo_header_sum(const IpPacket& packet, size_t size) {
  return (packet.source >> 16) + (packet.source & 0xffff) + (packet.target >> 16) + (packet.target & 0xffff) +
         packet.protocol + static_cast<uint32_t>(size);
}

}  // namespace

uint8_t ByteReader::u8() {
  const Bytes one = bytes(1);
  return one.empty() ? 0 : std::to_integer<uint8_t>(one[0]);
}

uint16_t ByteReader::u16() {
  const uint16_t high = u8();
  return static_cast<uint16_t>(high << 8 | u8());
}

uint32_t ByteReader::u32() {
  const uint32_t high = u16();
  return high << 16 | u16();
}

MacAddress ByteReader::mac() {
  const Bytes octets = bytes(MacAddress::size);
  return octets.empty() ? MacAddress() : MacAddress::load(octets.data());
}

Bytes ByteReader::bytes(size_t count) {
  if (count > bytes_.size()) {
    good_ = false;
    bytes_ = {};
    return {};
  }
  const Bytes taken = bytes_.first(count);
  bytes_ = bytes_.subspan(count);
  return taken;
}

std::optional<ArpRequest> read_arp_request(Bytes frame) {
  ByteReader reader(frame);
  reader.bytes(12);
  if (reader.u16() != ethertype_arp) return std::nullopt;
  if (reader.u16() != 1 || reader.u16() != ethertype_ipv4 || reader.u16() != 0x0604 || reader.u16() != 1)
    return std::nullopt;
  ArpRequest request;
  request.sender_mac = reader.mac();
  request.sender = reader.u32();
  reader.mac();
  request.target = reader.u32();
  if (!reader.good()) return std::nullopt;
  return request;
}

std::optional<IpPacket> read_ip(Bytes frame) {
  ByteReader reader(frame);
  IpPacket packet;
  packet.target_mac = reader.mac();
  packet.source_mac = reader.mac();
  if (reader.u16() != ethertype_ipv4 || !reader.good()) return std::nullopt;
  const Bytes whole = frame.subspan(14);
  const uint8_t version_and_words = reader.u8();
  const size_t header_size = (version_and_words & 15u) * 4;
  if (version_and_words >> 4 != 4 || header_size < ip_header_size || header_size > whole.size()) return std::nullopt;
  reader.u8();
  const size_t size = reader.u16();
  reader.u16();
  const uint16_t fragment = reader.u16();
  reader.u8();
  packet.protocol = reader.u8();
  reader.u16();
  packet.source = reader.u32();
  packet.target = reader.u32();
  const bool is_fragment = (fragment & 0x3fff) != 0;  // more to come, or not the first
  if (is_fragment || size < header_size || size > whole.size()) return std::nullopt;
  if (internet_checksum(whole.first(header_size)) != 0) return std::nullopt;
  packet.payload = whole.subspan(header_size, size - header_size);
  return packet;
}

std::optional<UdpDatagram> read_udp(const IpPacket& packet) {
  if (packet.protocol != protocol_udp) return std::nullopt;
  ByteReader reader(packet.payload);
  UdpDatagram datagram;
  datagram.source_port = reader.u16();
  datagram.target_port = reader.u16();
  const size_t size = reader.u16();
  reader.u16();  // the checksum is not looked at: a sender with offloads has left it to its card, which we are
  if (!reader.good() || size < udp_header_size || size > packet.payload.size()) return std::nullopt;
  datagram.payload = packet.payload.subspan(udp_header_size, size - udp_header_size);
  return datagram;
}

Frame make_arp_reply(const ArpRequest& request, MacAddress own_mac) {
  ByteWriter writer;
  writer.mac(request.sender_mac);
  writer.mac(own_mac);
  writer.u16(ethertype_arp);
  writer.u16(1);
  writer.u16(ethertype_ipv4);
  writer.u16(0x0604);
  writer.u16(2);
  writer.mac(own_mac);
  writer.u32(request.target);
  writer.mac(request.sender_mac);
  writer.u32(request.sender);
  return std::move(writer).take();
}

Frame make_ip(const IpPacket& packet) {
  ByteWriter writer;
  writer.mac(packet.target_mac);
  writer.mac(packet.source_mac);
  writer.u16(ethertype_ipv4);
  const size_t header = writer.size();
  writer.u16(0x4500);
  writer.u16(static_cast<uint16_t>(ip_header_size + packet.payload.size()));
  writer.u16(0);
  writer.u16(0x4000);  // not to be fragmented
  writer.u8(64);       // hops
  writer.u8(packet.protocol);
  writer.u16(0);
  writer.u32(packet.source);
  writer.u32(packet.target);
  writer.put16(header + 10, internet_checksum(writer.from(header)));
  writer.bytes(packet.payload);
  return std::move(writer).take();
}

Frame make_udp(const IpPacket& packet, uint16_t source_port, uint16_t target_port) {
  ByteWriter writer;
  writer.u16(source_port);
  writer.u16(target_port);
  writer.u16(static_cast<uint16_t>(udp_header_size + packet.payload.size()));
  writer.u16(0);
  writer.bytes(packet.payload);
  IpPacket whole = packet;
  whole.protocol = protocol_udp;
  const uint16_t sum = internet_checksum(writer.from(0), pseudo_header_sum(whole, writer.size()));
  writer.put16(6, sum == 0 ? 0xffff : sum);  // 0 would say that there is none
  whole.payload = writer.from(0);
  return make_ip(whole);
}

std::optional<Frame> make_echo_reply(const IpPacket& request, MacAddress own_mac) {
  if (request.protocol != protocol_icmp || request.payload.size() < 8) return std::nullopt;
  if (request.payload[0] != std::byte{echo_request} || internet_checksum(request.payload) != 0) return std::nullopt;
  ByteWriter reply;
  reply.u32(0);  // type echo reply, code, checksum
  reply.bytes(request.payload.subspan(4));
  reply.put16(2, internet_checksum(reply.from(0)));
  return make_ip({own_mac, request.source_mac, request.target, request.source, protocol_icmp, reply.from(0)});
}

}  // namespace strata::network::services

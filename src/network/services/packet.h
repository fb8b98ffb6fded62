// Ethernet, ARP, IPv4, UDP and ICMP echo, as far as a host that answers in a VLAN needs them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "network/services/ipv4.h"

namespace strata::network::services {

using Frame = std::vector<std::byte>;
using Bytes = std::span<const std::byte>;

/// Appends numbers in network byte order.
class ByteWriter {
 public:
  void u8(uint8_t value) { bytes_.push_back(std::byte{value}); }
  void u16(uint16_t value) { u8(static_cast<uint8_t>(value >> 8)), u8(static_cast<uint8_t>(value)); }
  void u32(uint32_t value) { u16(static_cast<uint16_t>(value >> 16)), u16(static_cast<uint16_t>(value)); }
  void mac(MacAddress value) {
    zeros(MacAddress::size);
    value.store(&bytes_[bytes_.size() - MacAddress::size]);
  }
  void bytes(Bytes value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
  void zeros(size_t count) { bytes_.resize(bytes_.size() + count); }
  void put16(size_t at, uint16_t value) { bytes_[at] = std::byte(value >> 8), bytes_[at + 1] = std::byte(value & 255); }
  size_t size() const { return bytes_.size(); }
  Bytes from(size_t at) const { return Bytes(bytes_).subspan(at); }
  Frame take() && { return std::move(bytes_); }

 private:
  Frame bytes_;
};

/// Reads numbers in network byte order; after reading past the end, everything is 0 and good() is false.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}
  uint8_t u8();
  uint16_t u16();
  uint32_t u32();
  MacAddress mac();
  Bytes bytes(size_t count);
  size_t left() const { return bytes_.size(); }
  bool good() const { return good_; }

 private:
  Bytes bytes_;
  bool good_ = true;
};

/// An untagged frame that came in, as far as it was understood.
struct ArpRequest {
  MacAddress sender_mac;
  Ipv4 sender, target;
};

struct IpPacket {
  MacAddress source_mac, target_mac;
  Ipv4 source, target;
  uint8_t protocol;
  Bytes payload;
};

struct UdpDatagram {
  uint16_t source_port, target_port;
  Bytes payload;
};

inline constexpr uint8_t protocol_icmp = 1, protocol_udp = 17;

/// nullopt for everything else and for what is damaged.
[[nodiscard]] std::optional<ArpRequest> read_arp_request(Bytes frame);
/// Whole packets only: fragments are not put together.
[[nodiscard]] std::optional<IpPacket> read_ip(Bytes frame);
[[nodiscard]] std::optional<UdpDatagram> read_udp(const IpPacket& packet);

[[nodiscard]] Frame make_arp_reply(const ArpRequest& request, MacAddress own_mac);
[[nodiscard]] Frame make_ip(const IpPacket& packet);
/// The packet's payload is the datagram's.
[[nodiscard]] Frame make_udp(const IpPacket& packet, uint16_t source_port, uint16_t target_port);
/// nullopt unless the packet is an echo request.
[[nodiscard]] std::optional<Frame> make_echo_reply(const IpPacket& request, MacAddress own_mac);

}  // namespace strata::network::services

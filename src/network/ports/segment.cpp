// TCP segmentation (TSO) and UDP datagrams sent as one (USO), over IPv4 and IPv6, with any number of VLAN tags in front.
#include "network/ports/segment.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/bits.h"
#include "base/internet_checksum.h"

namespace strata::network::ports {
namespace {

using iface::Offload;

constexpr size_t ethernet_header = 14, tag_size = 4;
constexpr uint16_t customer_tag = 0x8100, service_tag = 0x88a8, ipv4_type = 0x0800, ipv6_type = 0x86dd;
constexpr uint8_t tcp_protocol = 6, udp_protocol = 17;
constexpr size_t least_tcp_header = 20, udp_header = 8, least_ipv4_header = 20, ipv6_header = 40;
// 64 KiB in the smallest segments that Linux makes (TCP_MIN_SND_MSS, 48): no frame becomes a flood of tiny ones.
constexpr size_t most_pieces = 65536 / 48;
constexpr uint8_t tcp_fin = 1, tcp_push = 8, tcp_cwr = 0x80;

/// Where a frame's headers begin, and where its data does.
struct Headers {
  bool ipv6;
  uint8_t protocol;
  size_t ip, transport, data;
};

/// The EtherType behind all tags, and where the contents begin. Nothing where the frame is cut.
std::optional<std::pair<uint16_t, size_t>> contents_of(std::span<const std::byte> frame) {
  size_t at = ethernet_header - 2;
  while (at + 2 <= frame.size()) {
    const auto type = load_be<uint16_t>(&frame[at]);
    if (type != customer_tag && type != service_tag) return std::pair{type, at + 2};
    at += tag_size;
  }
  return {};
}

/// The transport header begins where its checksum does: so IPv6 extension headers need no reading.
std::optional<Headers> headers_of(std::span<const std::byte> frame, const Offload& offload) {
  const auto contents = contents_of(frame);
  if (!contents) return {};
  const auto [type, ip] = *contents;
  const auto kind = offload.gso;
  const bool ipv4 = type == ipv4_type && (kind == Offload::Gso::tcp4 || kind == Offload::Gso::udp_l4);
  const bool ipv6 = type == ipv6_type && (kind == Offload::Gso::tcp6 || kind == Offload::Gso::udp_l4);
  if (!ipv4 && !ipv6) return {};
  const bool tcp = kind != Offload::Gso::udp_l4;
  Headers headers = {ipv6, tcp ? tcp_protocol : udp_protocol, ip, offload.checksum_start, 0};
  if (headers.transport < ip + (ipv6 ? ipv6_header : least_ipv4_header)) return {};
  if (headers.transport + (tcp ? least_tcp_header : udp_header) > frame.size()) return {};
  const size_t transport_size = tcp ? std::to_integer<size_t>(frame[headers.transport + 12] >> 4) * 4 : udp_header;
  headers.data = headers.transport + transport_size;
  if ((tcp && transport_size < least_tcp_header) || headers.data > frame.size()) return {};
  const size_t ipv4_size = std::to_integer<size_t>(frame[ip] & std::byte{15}) * 4;
  if (ipv4 && (ipv4_size != headers.transport - ip || frame[ip + 9] != std::byte{headers.protocol})) return {};
  return headers;
}

uint32_t pseudo_header_sum(const std::byte* ip, const Headers& headers, size_t transport_size) {
  const auto addresses = headers.ipv6 ? std::span(ip + 8, 32) : std::span(ip + 12, 8);
  return internet_sum(addresses, headers.protocol + static_cast<uint32_t>(transport_size));
}

void finish_ip(std::byte* ip, const Headers& headers, size_t size_from_ip, uint16_t number) {
  if (headers.ipv6) {
    store_be<uint16_t>(ip + 4, static_cast<uint16_t>(size_from_ip - ipv6_header));
    return;
  }
  store_be<uint16_t>(ip + 2, static_cast<uint16_t>(size_from_ip));
  store_be<uint16_t>(ip + 4, static_cast<uint16_t>(load_be<uint16_t>(ip + 4) + number));
  store_be<uint16_t>(ip + 10, 0);
  store_be<uint16_t>(ip + 10, internet_checksum({ip, headers.transport - headers.ip}));
}

/// One piece has all headers and a part of the data; `at` is where that part was.
void finish_piece(std::span<std::byte> piece, const Headers& headers, size_t at, uint16_t number, bool last) {
  std::byte* const ip = &piece[headers.ip];
  std::byte* const transport = &piece[headers.transport];
  const size_t transport_size = piece.size() - headers.transport;
  finish_ip(ip, headers, piece.size() - headers.ip, number);
  size_t place = 6;  // of the checksum
  if (headers.protocol == tcp_protocol) {
    place = 16;
    store_be<uint32_t>(transport + 4, load_be<uint32_t>(transport + 4) + static_cast<uint32_t>(at));
    if (!last) transport[13] &= std::byte{static_cast<uint8_t>(~(tcp_fin | tcp_push))};
    if (number) transport[13] &= std::byte{static_cast<uint8_t>(~tcp_cwr)};  // once per reduction (RFC 3168, 6.1.2)
  } else {
    store_be<uint16_t>(transport + 4, static_cast<uint16_t>(transport_size));
  }
  store_be<uint16_t>(transport + place, 0);
  uint16_t checksum = internet_checksum({transport, transport_size}, pseudo_header_sum(ip, headers, transport_size));
  if (checksum == 0 && headers.protocol == udp_protocol) checksum = 0xffff;  // zero says "none" (RFC 768)
  store_be<uint16_t>(transport + place, checksum);
}

}  // namespace

bool complete_checksum(std::span<std::byte> frame, const Offload& offload) {
  const size_t start = offload.checksum_start, place = start + offload.checksum_offset;
  if (start >= frame.size() || place + 2 > frame.size()) return false;
  // The sender has put the sum of the pseudo header there, which the rest is added to.
  uint16_t checksum = internet_checksum(frame.subspan(start));
  if (checksum == 0) checksum = 0xffff;  // the same number; but zero says "none" in UDP
  store_be<uint16_t>(&frame[place], checksum);
  return true;
}

bool Segmenter::split(std::span<const std::byte> frame, const Offload& offload, const Sink& sink) {
  if (offload.gso == Offload::Gso::none) {
    piece_.assign(frame.begin(), frame.end());
    if (offload.needs_checksum && !complete_checksum(piece_, offload)) return false;
    sink(piece_);
    return true;
  }
  const auto headers = headers_of(frame, offload);
  if (!headers || !offload.needs_checksum || offload.gso_size == 0) return false;
  const auto data = frame.subspan(headers->data);
  if (data.size() / offload.gso_size > most_pieces) return false;
  uint16_t number = 0;
  size_t at = 0;
  do {  // a frame without data is still one
    const size_t size = std::min<size_t>(offload.gso_size, data.size() - at);
    piece_.resize(headers->data + size);
    std::copy_n(frame.begin(), headers->data, piece_.begin());
    std::copy_n(data.begin() + at, size, piece_.begin() + headers->data);
    finish_piece(piece_, *headers, at, number++, at + size == data.size());
    sink(piece_);
    at += size;
  } while (at < data.size());
  return true;
}

}  // namespace strata::network::ports

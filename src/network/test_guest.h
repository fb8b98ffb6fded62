// For tests: a guest with as much of ARP, IPv4, UDP and TCP as it takes to talk over a port that loses nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/bits.h"
#include "iface/net_port.h"

namespace strata::network {

constexpr uint32_t ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return uint32_t{a} << 24 | uint32_t{b} << 16 | uint32_t{c} << 8 | d;
}

/// Bytes in network order.
template <class... Numbers>
std::string big_endian(Numbers... numbers) {
  std::string bytes;
  const auto put = [&bytes]<class T>(T number) {
    char raw[sizeof(T)];
    store_be<T>(raw, number);
    bytes.append(raw, sizeof raw);
  };
  (put(numbers), ...);
  return bytes;
}

class TestGuest {
 public:
  static constexpr uint32_t own_address = ipv4(10, 0, 2, 15);
  static constexpr uint32_t host = ipv4(10, 0, 2, 2);

  struct Datagram {
    uint32_t from;
    uint16_t from_port, to_port;
    std::string data;
  };
  struct Connection {
    uint32_t peer = 0;
    uint16_t peer_port = 0, own_port = 0;
    uint32_t next = 1000;  ///< sequence number of what is sent next
    uint32_t expected = 0;
    bool established = false, ended = false, was_reset = false;
    std::string received;
  };

  explicit TestGuest(iface::NetPort& port) : port_(port) {
    port_.connect([this](std::span<const std::byte> frame, const iface::Offload&) {
      receive({reinterpret_cast<const char*>(frame.data()), frame.size()});
    });
  }
  ~TestGuest() { port_.connect({}); }
  TestGuest(const TestGuest&) = delete;
  TestGuest& operator=(const TestGuest&) = delete;

  void send_udp(uint32_t to, uint16_t to_port, uint16_t from_port, std::string_view data, uint32_t from = own_address) {
    const auto header = big_endian(from_port, to_port, static_cast<uint16_t>(8 + data.size()), uint16_t{0});
    send_ipv4(from, to, 17, header + std::string(data));
  }
  Connection& open(uint32_t to, uint16_t to_port) {
    const uint16_t own_port = next_port_++;
    Connection& connection = connections_[{to, to_port, own_port}];
    connection.peer = to;
    connection.peer_port = to_port;
    connection.own_port = own_port;
    send_segment(connection, syn, {});
    ++connection.next;
    return connection;
  }
  void send(Connection& connection, std::string_view data) {
    for (size_t at = 0; at < data.size(); at += 1400) {
      const auto part = data.substr(at, 1400);
      send_segment(connection, ack | push, part);
      connection.next += static_cast<uint32_t>(part.size());
    }
  }
  void end(Connection& connection) {
    send_segment(connection, ack | fin, {});
    ++connection.next;
  }
  void listen(uint16_t port) { listening_ = port; }
  /// The last connection that came in; nullptr before one has.
  Connection* accepted() { return accepted_; }

  void send_frame(std::string_view frame) { port_.send(std::as_bytes(std::span(frame.data(), frame.size())), {}); }
  static std::string ethernet(uint16_t type, std::string_view contents) {
    return std::string("\x52\x55\x0a\x00\x02\x02", 6) + std::string("\x52\x54\x00\x12\x34\x56", 6) + big_endian(type) +
           std::string(contents);
  }
  void ask_arp(uint32_t who) { send_arp(1, std::string(6, '\0'), who); }

  std::deque<Datagram> datagrams;       ///< received
  std::map<uint32_t, std::string> arp;  ///< answers: hardware addresses

 private:
  enum Flags : uint8_t { fin = 1, syn = 2, reset = 4, push = 8, ack = 16 };

  static uint16_t checksum(std::string_view bytes) {
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes.size(); ++i) sum += static_cast<uint8_t>(bytes[i]) << (i % 2 ? 0 : 8);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(~sum);
  }
  template <class T>
  static T number(std::string_view bytes, size_t at) {
    return at + sizeof(T) <= bytes.size() ? load_be<T>(bytes.data() + at) : T{0};
  }

  void send_arp(uint16_t operation, const std::string& target_hardware, uint32_t target) {
    send_frame(ethernet(0x0806, big_endian(uint16_t{1}, uint16_t{0x0800}, uint8_t{6}, uint8_t{4}, operation) +
                                    std::string("\x52\x54\x00\x12\x34\x56", 6) + big_endian(own_address) +
                                    target_hardware + big_endian(target)));
  }
  void send_ipv4(uint32_t from, uint32_t to, uint8_t protocol, const std::string& payload) {
    std::string header = big_endian(uint16_t{0x4500}, static_cast<uint16_t>(20 + payload.size()), next_id_++,
                                    uint16_t{0x4000}, uint8_t{64}, protocol, uint16_t{0}, from, to);
    store_be<uint16_t>(&header[10], checksum(header));
    send_frame(ethernet(0x0800, header + payload));
  }
  void send_segment(Connection& connection, uint8_t flags, std::string_view data) {
    std::string segment = big_endian(connection.own_port, connection.peer_port, connection.next, connection.expected,
                                     uint8_t{0x50}, flags, uint16_t{65535}, uint16_t{0}, uint16_t{0});
    segment += data;
    const auto pseudo_header =
        big_endian(own_address, connection.peer, uint16_t{6}, static_cast<uint16_t>(segment.size()));
    store_be<uint16_t>(&segment[16], checksum(pseudo_header + segment));
    send_ipv4(own_address, connection.peer, 6, segment);
  }

  void receive(std::string_view frame) {
    const auto contents = frame.substr(14);
    if (number<uint16_t>(frame, 12) == 0x0806) receive_arp(contents);
    if (number<uint16_t>(frame, 12) == 0x0800) receive_ipv4(contents);
  }
  void receive_arp(std::string_view packet) {
    const auto sender = number<uint32_t>(packet, 14);
    const std::string hardware(packet.substr(8, 6));
    if (number<uint16_t>(packet, 6) == 2) arp[sender] = hardware;
    if (number<uint16_t>(packet, 6) == 1 && number<uint32_t>(packet, 24) == own_address) send_arp(2, hardware, sender);
  }
  void receive_ipv4(std::string_view packet) {
    const auto from = number<uint32_t>(packet, 12);
    const auto payload = packet.substr(0, number<uint16_t>(packet, 2)).substr((packet[0] & 15) * 4u);
    if (packet[9] == 17) {
      datagrams.push_back(
          {from, number<uint16_t>(payload, 0), number<uint16_t>(payload, 2), std::string(payload.substr(8))});
    } else if (packet[9] == 6) {
      receive_segment(from, payload);
    }
  }
  void receive_segment(uint32_t from, std::string_view segment) {
    const auto peer_port = number<uint16_t>(segment, 0), own_port = number<uint16_t>(segment, 2);
    const auto flags = static_cast<uint8_t>(segment[13]);
    const auto sequence = number<uint32_t>(segment, 4);
    const auto data = segment.substr(static_cast<uint8_t>(segment[12]) / 16 * 4u);
    auto known = connections_.find({from, peer_port, own_port});
    if (known == connections_.end()) {
      if (own_port != listening_ || !(flags & syn)) return;
      known = connections_.try_emplace({from, peer_port, own_port}).first;
      accepted_ = &known->second;
      accepted_->peer = from;
      accepted_->peer_port = peer_port;
      accepted_->own_port = own_port;
    }
    Connection& connection = known->second;
    if (flags & reset) connection.was_reset = true;
    if (flags & syn) {
      if (connection.established) return;
      connection.expected = sequence + 1;
      connection.established = true;
      send_segment(connection, flags & ack ? ack : (ack | syn), {});
      if (!(flags & ack)) ++connection.next;
      return;
    }
    if (sequence != connection.expected) return;
    connection.received += data;
    connection.expected += static_cast<uint32_t>(data.size());
    if (flags & fin) {
      ++connection.expected;
      connection.ended = true;
    }
    if (!data.empty() || flags & fin) send_segment(connection, ack, {});
  }

  iface::NetPort& port_;
  std::map<std::tuple<uint32_t, uint16_t, uint16_t>, Connection> connections_;
  Connection* accepted_ = nullptr;
  uint16_t listening_ = 0;
  uint16_t next_port_ = 40000;
  uint16_t next_id_ = 1;
};

}  // namespace strata::network

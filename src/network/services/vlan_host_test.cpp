// The switch's host in a VLAN: ARP, echo, DHCP and DNS as frames, and frames that are none of these.
#include "network/services/vlan_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace strata::network::services {
namespace {

const MacAddress own_mac(0x525400000001), client_mac(0x525400000099);
constexpr Ipv4 own = 0x0a000a01, client = 0x0a000a64;

class FakeForwarder final : public DnsForwarder {
 public:
  void forward(Bytes query, Callback callback) override {
    queries.emplace_back(query.begin(), query.end());
    callbacks.push_back(std::move(callback));
  }
  std::vector<Frame> queries;
  std::vector<Callback> callbacks;
};

class VlanHostTest : public testing::Test {
 protected:
  static DhcpOptions options() {
    DhcpOptions options;
    options.server = {own, 24};
    options.range = {client, client + 9};
    options.name_servers = {own};
    options.domain = "lab";
    options.hosts = {{MacAddress(0xf1), 0x0a000a32, "printer"}};
    return options;
  }

  void receive_udp(uint16_t from, uint16_t to, Bytes payload) {
    host_->receive(make_udp({client_mac, own_mac, client, own, protocol_udp, payload}, from, to));
  }

  static Frame dns_query(std::string_view name, DnsType type) {
    ByteWriter writer;
    writer.u16(0x4242), writer.u16(0x0100), writer.u16(1), writer.zeros(6);
    while (!name.empty()) {
      const auto label = name.substr(0, name.find('.'));
      writer.u8(static_cast<uint8_t>(label.size()));
      writer.bytes(std::as_bytes(std::span(label)));
      name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    writer.u8(0);
    writer.u16(static_cast<uint16_t>(type)), writer.u16(1);
    return std::move(writer).take();
  }

  /// The payload of the last datagram that was sent.
  Frame last_payload() const {
    const auto packet = read_ip(sent_.back());
    EXPECT_TRUE(packet);
    const auto datagram = read_udp(*packet);
    EXPECT_TRUE(datagram);
    return {datagram->payload.begin(), datagram->payload.end()};
  }

  std::vector<Frame> sent_;
  FakeForwarder forwarder_;
  std::unique_ptr<VlanHost> host_ = std::make_unique<VlanHost>(
      own_mac, options(), [] { return 1000; }, [this](Bytes frame) { sent_.emplace_back(frame.begin(), frame.end()); },
      &forwarder_);
};

TEST_F(VlanHostTest, AnswersArpForItsAddressOnly) {
  ByteWriter arp;
  arp.mac(broadcast_mac), arp.mac(client_mac), arp.u16(0x0806);
  arp.u16(1), arp.u16(0x0800), arp.u16(0x0604), arp.u16(1);
  arp.mac(client_mac), arp.u32(client), arp.mac({}), arp.u32(own);
  Frame frame = std::move(arp).take();
  host_->receive(frame);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(MacAddress::load(sent_[0].data()), client_mac);
  EXPECT_EQ(MacAddress::load(sent_[0].data() + 22), own_mac);
  frame.back() = std::byte{77};
  host_->receive(frame);
  EXPECT_EQ(sent_.size(), 1u);
}

TEST_F(VlanHostTest, AnswersEcho) {
  ByteWriter echo;
  echo.u16(0x0800), echo.u16(0), echo.u32(0x00010002), echo.u32(0xdeadbeef);
  echo.put16(2, static_cast<uint16_t>(~(0x0800 + 1 + 2 + 0xdead + 0xbeef - 0xffff)));
  host_->receive(make_ip({client_mac, own_mac, client, own, protocol_icmp, echo.from(0)}));
  ASSERT_EQ(sent_.size(), 1u);
  const auto reply = read_ip(sent_[0]);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->target, client);
  EXPECT_EQ(reply->payload[0], std::byte{0});
}

TEST_F(VlanHostTest, KnowsItsNames) {
  receive_udp(5000, dns_port, dns_query("PRINTER.lab", DnsType::a));
  Frame answer = last_payload();
  EXPECT_EQ(std::to_integer<int>(answer.back()), 0x32);
  EXPECT_EQ(std::to_integer<int>(answer[0]), 0x42);
  receive_udp(5000, dns_port, dns_query("printer", DnsType::aaaa));
  EXPECT_EQ(std::to_integer<int>(last_payload()[7]), 0);  // no record, no error
  EXPECT_EQ(std::to_integer<int>(last_payload()[3]) & 15, 0);
  receive_udp(5000, dns_port, dns_query("nobody.lab", DnsType::a));
  EXPECT_EQ(std::to_integer<int>(last_payload()[3]) & 15, 3);
  receive_udp(5000, dns_port, dns_query("50.10.0.10.in-addr.arpa", DnsType::ptr));
  answer = last_payload();
  EXPECT_THAT(std::string(reinterpret_cast<const char*>(answer.data()), answer.size()),
              testing::HasSubstr("printer\3lab"));
  EXPECT_TRUE(forwarder_.queries.empty());
}

TEST_F(VlanHostTest, ForwardsOtherNamesAndSurvivesLateAnswers) {
  receive_udp(5000, dns_port, dns_query("example.org", DnsType::a));
  receive_udp(5001, dns_port, dns_query("example.com", DnsType::a));
  receive_udp(5002, dns_port, dns_query("example.net", DnsType::a));
  ASSERT_EQ(forwarder_.callbacks.size(), 3u);
  const Frame made_up(40, std::byte{7});
  forwarder_.callbacks[0](made_up);
  EXPECT_EQ(last_payload(), made_up);
  forwarder_.callbacks[1]({});
  EXPECT_EQ(std::to_integer<int>(last_payload()[3]) & 15, 2);  // server failure
  const size_t sent = sent_.size();
  host_.reset();
  forwarder_.callbacks[2](made_up);
  EXPECT_EQ(sent_.size(), sent);
}

TEST_F(VlanHostTest, FramesOfAnyContentDoNoHarm) {
  std::mt19937 random(3);
  const Frame good =
      make_udp({client_mac, own_mac, client, own, protocol_udp, dns_query("a.b", DnsType::a)}, 9, dns_port);
  for (int round = 0; round < 20'000; ++round) {
    Frame frame = good;
    for (unsigned i = 0; i < random() % 4; ++i) frame[random() % frame.size()] = std::byte(random());
    frame.resize(random() % (frame.size() + 1));
    host_->receive(frame);
  }
}

}  // namespace
}  // namespace strata::network::services

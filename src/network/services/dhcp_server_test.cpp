// DHCP: who gets which address, and what is said to whom; a real client is in tests/network.
#include "network/services/dhcp_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::network::services {
namespace {

class DhcpServerTest : public testing::Test {
 protected:
  static DhcpOptions options() {
    DhcpOptions options;
    options.server = parse_ipv4_network("10.0.10.1/24").value();
    options.range = parse_ipv4_range("10.0.10.100-10.0.10.103").value();
    options.name_servers = {options.server.address};
    options.hosts = {{MacAddress(0xf1), parse_ipv4("10.0.10.50").value(), "printer"}};
    return options;
  }

  static DhcpRequest message(DhcpType type, uint64_t mac) {
    DhcpRequest request;
    request.type = type;
    request.mac = MacAddress(mac);
    return request;
  }

  /// Discover, then request what was offered.
  std::string lease(uint64_t mac) {
    const auto offer = server_.answer(message(DhcpType::discover, mac));
    if (!offer) return "nothing";
    DhcpRequest request = message(DhcpType::request, mac);
    request.requested = offer->reply.yours;
    request.server = offer->reply.server;
    const auto ack = server_.answer(request);
    EXPECT_EQ(ack->reply.type, DhcpType::ack);
    EXPECT_EQ(ack->reply.yours, offer->reply.yours);
    return ipv4_text(ack->reply.yours);
  }

  int64_t now_ = 1'000'000;
  DhcpServer server_{options(), [this] { return now_; }};
};

TEST_F(DhcpServerTest, ClientsGetAddressesInTurnAndKeepThem) {
  EXPECT_EQ(lease(1), "10.0.10.100");
  EXPECT_EQ(lease(2), "10.0.10.101");
  EXPECT_EQ(lease(1), "10.0.10.100");
  now_ += 100'000;  // long over, but nobody else wanted it
  EXPECT_EQ(lease(1), "10.0.10.100");
}

TEST_F(DhcpServerTest, FixedHostGetsItsAddress) { EXPECT_EQ(lease(0xf1), "10.0.10.50"); }

TEST_F(DhcpServerTest, FullRangeGivesWhatEndedFirst) {
  for (uint64_t mac = 1; mac <= 4; ++mac) lease(mac), ++now_;
  EXPECT_EQ(lease(5), "nothing");
  now_ += 3600;
  EXPECT_EQ(lease(5), "10.0.10.100");
}

TEST_F(DhcpServerTest, FixedAndOwnAddressesInTheRangeAreNotGiven) {
  DhcpOptions narrow = options();
  narrow.range = parse_ipv4_range("10.0.10.49-10.0.10.51").value();
  narrow.router = narrow.range.first;
  DhcpServer server(narrow, [] { return 1; });
  EXPECT_EQ(ipv4_text(server.answer(message(DhcpType::discover, 1))->reply.yours), "10.0.10.51");
  EXPECT_FALSE(server.answer(message(DhcpType::discover, 2)));
}

TEST_F(DhcpServerTest, AddressOfAnotherClientOrNetworkIsRefused) {
  lease(1);
  DhcpRequest request = message(DhcpType::request, 2);
  for (const char* address : {"10.0.10.100", "10.0.10.50", "10.0.10.1", "192.168.1.2"}) {
    request.requested = parse_ipv4(address).value();
    const auto answer = server_.answer(request);
    ASSERT_TRUE(answer) << address;
    EXPECT_EQ(answer->reply.type, DhcpType::nak) << address;
    EXPECT_TRUE(answer->to_all);
  }
  request.requested = parse_ipv4("10.0.10.102").value();  // free: a client that we forgot may have it back
  EXPECT_EQ(server_.answer(request)->reply.type, DhcpType::ack);
}

TEST_F(DhcpServerTest, RenewalIsAnsweredToTheAddressInUse) {
  lease(1);
  DhcpRequest renewal = message(DhcpType::request, 1);
  renewal.client = parse_ipv4("10.0.10.100").value();
  now_ += 3000;
  const auto answer = server_.answer(renewal);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->reply.type, DhcpType::ack);
  EXPECT_EQ(answer->target, renewal.client);
  EXPECT_EQ(server_.leases().all().begin()->second.expires, now_ + 3600);
}

TEST_F(DhcpServerTest, ReleasedAddressIsFreeAndDeclinedIsNot) {
  lease(1);
  DhcpRequest release = message(DhcpType::release, 2);  // of somebody else
  release.client = parse_ipv4("10.0.10.100").value();
  server_.answer(release);
  EXPECT_GT(server_.leases().all().begin()->second.expires, now_);
  release.mac = MacAddress(1);
  server_.answer(release);
  EXPECT_EQ(server_.leases().all().begin()->second.expires, now_);

  lease(2);
  DhcpRequest decline = message(DhcpType::decline, 2);
  decline.requested = parse_ipv4("10.0.10.101").value();
  server_.answer(decline);
  EXPECT_EQ(lease(2), "10.0.10.102");
}

TEST_F(DhcpServerTest, OfferOfAnotherServerAndRelayedMessagesAreNotOurs) {
  DhcpRequest request = message(DhcpType::request, 1);
  request.server = parse_ipv4("10.0.10.9").value();
  request.requested = parse_ipv4("10.0.10.100").value();
  EXPECT_FALSE(server_.answer(request));
  DhcpRequest relayed = message(DhcpType::discover, 1);
  relayed.relay = 1;
  EXPECT_FALSE(server_.answer(relayed));
}

TEST_F(DhcpServerTest, LeasesSurviveAsText) {
  lease(1), lease(2), lease(0xf1);
  const std::string text = server_.leases().text();
  DhcpServer again(options(), [this] { return now_; });
  again.leases().load("damaged line\n" + text + "10.9.9.9 00:00:00:00:00:09 x 1 -\n");
  EXPECT_EQ(again.leases().text(), text);
}

TEST(DhcpMessage, WhatIsWrittenCanBeReadAndCutOnesAreNot) {
  ByteWriter writer;
  writer.u8(1), writer.u8(1), writer.u8(6), writer.u8(0);
  writer.u32(0x12345678);
  writer.u16(3), writer.u16(0x8000);
  writer.zeros(16);
  writer.mac(MacAddress(0x525400000001));
  writer.zeros(202);
  writer.u32(0x63825363);
  const uint8_t text[] = {53, 1, 1, 0, 12, 3, 'b', 'o', 'x', 61, 2, 9, 9, 50, 4, 10, 0, 0, 7, 255};
  writer.bytes(std::as_bytes(std::span(text)));
  const Frame whole = std::move(writer).take();
  const auto request = read_dhcp(whole);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->transaction, 0x12345678u);
  EXPECT_TRUE(request->broadcast);
  EXPECT_EQ(to_string(request->mac), "52:54:00:00:00:01");
  EXPECT_EQ(request->host_name, "box");
  EXPECT_EQ(request->client_id.size(), 2u);
  EXPECT_EQ(ipv4_text(request->requested.value()), "10.0.0.7");
  for (size_t size = 0; size < 243; ++size) EXPECT_FALSE(read_dhcp(Bytes(whole).first(size))) << size;
  for (size_t size = 243; size < whole.size(); ++size) static_cast<void>(read_dhcp(Bytes(whole).first(size)));
}

}  // namespace
}  // namespace strata::network::services

// The client against our own server: frames and time go by hand.
#include "network/services/dhcp_client.h"

#include <gtest/gtest.h>

#include "network/services/dhcp_server.h"

namespace strata::network::services {
namespace {

using namespace std::chrono_literals;

constexpr MacAddress client_mac{0x020000000001}, server_mac{0x020000000002};

class DhcpClientTest : public testing::Test {
 protected:
  DhcpClientTest() {
    options.server = {0x0a000a01, 24};
    options.range = {0x0a000a64, 0x0a000a66};
    options.router = 0x0a000a01;
    options.name_servers = {0x0a000a01};
    options.domain = "lab.test";
    options.lease_seconds = 1000;
    make_server();
  }

  void make_server() {
    server = std::make_unique<DhcpServer>(options, [this] { return now / 1s; });
  }

  /// What the server hears, and what the client hears of it.
  void carry(Bytes frame) {
    ++sent;
    last = Frame(frame.begin(), frame.end());
    if (deaf) return;
    const auto packet = read_ip(frame);
    const auto datagram = read_udp(*packet);
    const auto request = read_dhcp(datagram->payload);
    ASSERT_TRUE(request);
    const auto answer = server->answer(*request);
    if (!answer) return;
    const Frame payload = write_dhcp(answer->reply, *request);
    replies.push_back(make_udp({server_mac, client_mac, options.server.address, answer->target, protocol_udp, payload},
                               dhcp_server_port, dhcp_client_port));
  }

  void deliver() {
    while (!replies.empty()) {
      const Frame reply = replies.front();
      replies.erase(replies.begin());
      client.receive(reply, now);
    }
  }

  void pass(std::chrono::nanoseconds time) {
    const auto end = now + time;
    while (client.deadline() <= end) {
      now = client.deadline();
      client.tick(now);
      deliver();
    }
    now = end;
  }

  DhcpOptions options;
  std::unique_ptr<DhcpServer> server;
  std::chrono::nanoseconds now = 5s;
  bool deaf = false;
  unsigned sent = 0;
  Frame last;
  std::vector<Frame> replies;
  DhcpClient client{client_mac, "web", 77, [this](Bytes frame) { carry(frame); }};
};

TEST_F(DhcpClientTest, GetsAnAddressAndWhatBelongsToIt) {
  client.begin(now);
  deliver();
  const DhcpGrant expected = {
      .address = {0x0a000a64, 24}, .router = 0x0a000a01, .name_servers = {0x0a000a01}, .domain = "lab.test", .mtu = 0};
  EXPECT_EQ(client.grant(), expected);
  EXPECT_EQ(sent, 2u);
  EXPECT_EQ(server->leases().all().at(0x0a000a64).host_name, "web");
}

TEST_F(DhcpClientTest, AsksAgainUntilSomebodyAnswers) {
  deaf = true;
  client.begin(now);
  pass(20s);
  EXPECT_FALSE(client.grant());
  EXPECT_EQ(sent, 5u);  // at 0, 1, 3, 7 and 15 seconds
  deaf = false;
  pass(20s);
  EXPECT_TRUE(client.grant());
}

TEST_F(DhcpClientTest, RenewsAtHalfTimeWithTheServerAlone) {
  client.begin(now);
  deliver();
  sent = 0;
  pass(499s);
  EXPECT_EQ(sent, 0u);
  pass(2s);
  EXPECT_EQ(sent, 1u);
  const auto packet = read_ip(last);
  EXPECT_EQ(packet->target_mac, server_mac);
  EXPECT_EQ(packet->target, options.server.address);
  EXPECT_EQ(packet->source, 0x0a000a64u);
  pass(10000s);
  EXPECT_TRUE(client.grant());
  EXPECT_GT(server->leases().all().at(0x0a000a64).expires, now / 1s);
}

TEST_F(DhcpClientTest, LosesTheAddressWhenNobodyRenewsIt) {
  client.begin(now);
  deliver();
  deaf = true;
  pass(990s);
  EXPECT_TRUE(client.grant());
  EXPECT_EQ(read_ip(last)->target, broadcast_ipv4);  // to any server, in the end
  pass(11s);
  EXPECT_FALSE(client.grant());
}

TEST_F(DhcpClientTest, TakesAnotherAddressWhereItsOwnIsUnknown) {
  client.begin(now);
  deliver();
  options.server = {0x0a001401, 24};
  options.range = {0x0a001464, 0x0a001466};
  make_server();
  client.begin(now);  // as after a move to another VLAN
  deliver();
  ASSERT_TRUE(client.grant());
  EXPECT_EQ(client.grant()->address.address, 0x0a001464u);
}

TEST_F(DhcpClientTest, HearsOnlyAnswersToItself) {
  client.begin(now);
  Frame reply = replies.front();
  for (size_t at : {size_t{14 + 20 + 8 + 4}, size_t{14 + 20 + 8 + 28 + 5}}) {  // transaction, hardware address
    Frame other = reply;
    other[at] ^= std::byte{1};
    client.receive(other, now);
    EXPECT_EQ(sent, 1u);
  }
  for (size_t size = 0; size < reply.size(); size += 7) client.receive(Bytes(reply).first(size), now);
  EXPECT_EQ(sent, 1u);
  client.receive(reply, now);
  EXPECT_EQ(sent, 2u);
}

}  // namespace
}  // namespace strata::network::services

// Ports on the host's own interfaces, held against each other: what a TAP is given comes out of a packet socket on that
// interface, and the other way round. The kernel between them takes tags off and puts them on as it likes.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>

#include "base/bits.h"
#include "network/ports/packet.h"
#include "network/ports/tap.h"
#include "network/ports/test_space.h"
#include "network/ports/user.h"
#include "network/ports/vxlan.h"

namespace strata::network::ports {
namespace {

using iface::Offload;

std::string test_frame(const std::string& behind_addresses, size_t payload = 46) {
  std::string frame = std::string("\x02\0\0\0\0\1\x02\0\0\0\0\2", 12) + behind_addresses;
  for (size_t i = 0; i < payload; ++i) frame += static_cast<char>(i * 31 + i / 256);
  return frame;
}
const std::string experimental("\x88\xb5", 2);  // an EtherType that nobody answers (IEEE 802)

class HostPortsTest : public testing::Test {
 protected:
  void send(Port& port, const std::string& text, const Offload& offload = {}) {
    Frame frame = pool_.copy(std::as_bytes(std::span(text)));
    frame.set_offload(offload);
    EXPECT_EQ(port.send({&frame, 1}), 1u);
  }
  /// The frames that come, without those of others: the kernel of a fresh interface talks IPv6.
  std::vector<std::string> receive(Port& port, size_t wanted = 1) {
    std::vector<std::string> texts;
    for (int tries = 0; tries < 20 && texts.size() < wanted; ++tries) {
      pollfd ready = {.fd = port.fd(), .events = POLLIN, .revents = 0};
      poll(&ready, 1, 50);
      std::vector<Frame> frames;
      const auto more = port.receive(pool_, frames, 16);
      EXPECT_TRUE(more) << more.error().message;
      for (const Frame& frame : frames) {
        std::string text(frame.size(), '\0');
        frame.copy_to(std::as_writable_bytes(std::span(text)));
        if (text.substr(0, 6) != test_frame("").substr(0, 6)) continue;
        texts.push_back(text);
        last_ = frame.offload();
      }
    }
    return texts;
  }

  FramePool pool_;
  Offload last_;
};

class InterfaceTest : public HostPortsTest {
 protected:
  void SetUp() override {
    if (!space_.made()) GTEST_SKIP() << "needs to make network namespaces (root, or CAP_SYS_ADMIN and CAP_NET_ADMIN)";
    auto tap = TapPort::open("t", {.interface = "eth0", .netns = space_.name(), .mtu = 9000});
    ASSERT_TRUE(tap) << tap.error().message;
    tap_ = std::move(*tap);
    auto packet = PacketPort::open("p", {.interface = "eth0", .netns = space_.name()});
    ASSERT_TRUE(packet) << packet.error().message;
    packet_ = std::move(*packet);
  }
  TestSpace space_{"if"};
  std::unique_ptr<TapPort> tap_;
  std::unique_ptr<PacketPort> packet_;
};

TEST_F(InterfaceTest, PassTagsAsTheyAre) {
  const std::string customer("\x81\0\xa0\x0a", 4), priority("\x81\0\xe0\0", 4), drop_eligible("\x81\0\x10\x64", 4),
      service("\x88\xa8\x00\x14", 4);
  for (const std::string& tags : {std::string(), customer, priority, drop_eligible, service, service + customer,
                                  customer + customer, service + customer + customer}) {
    const std::string frame = test_frame(tags + experimental);
    send(*tap_, frame);
    EXPECT_EQ(receive(*packet_), std::vector{frame}) << tags.size();
    send(*packet_, frame);
    EXPECT_EQ(receive(*tap_), std::vector{frame}) << tags.size();
  }
}

TEST_F(InterfaceTest, PassFramesOfEverySize) {
  for (const size_t payload : {0u, 1u, 45u, 46u, 47u, 1500u, 1501u, 1900u, 4000u, 8999u, 9000u}) {
    const std::string frame = test_frame(experimental, payload);
    send(*tap_, frame);
    EXPECT_EQ(receive(*packet_), std::vector{frame}) << payload;
    send(*packet_, frame);
    EXPECT_EQ(receive(*tap_), std::vector{frame}) << payload;
  }
}

TEST_F(InterfaceTest, DropWhatTheFarSideWillNotTake) {
  for (const size_t payload : {9020u, 60'000u, 65'000u}) send(*packet_, test_frame(experimental, payload));
  EXPECT_EQ(packet_->counters().send_dropped, 3u);
  send(*tap_, test_frame(experimental, 100), {.needs_checksum = true, .checksum_start = 0xfff0, .checksum_offset = 1});
  EXPECT_EQ(tap_->counters().send_dropped, 1u);
  send(*tap_, test_frame(experimental));  // and goes on
  EXPECT_EQ(receive(*packet_).size(), 1u);
}

TEST_F(InterfaceTest, PassLargeSegmentsWhole) {
  std::string frame = test_frame(std::string("\x08\0", 2), 0) +
                      std::string("\x45\0\xea\x88\0\1\x40\0\x40\x06\0\0\x0a\0\0\1\x0a\0\0\2", 20) +
                      std::string("\0\x50\0\x50\0\0\0\1\0\0\0\1\x50\x10\xff\xff\x12\x34\0\0", 20);
  frame += std::string(60'000, 'd');
  const Offload offload = {.needs_checksum = true,
                           .gso = Offload::Gso::tcp4,
                           .header_length = 54,
                           .gso_size = 1448,
                           .checksum_start = 34,
                           .checksum_offset = 16};
  send(*packet_, frame, offload);
  EXPECT_EQ(receive(*tap_), std::vector{frame});
  EXPECT_EQ(last_, offload);
  send(*tap_, frame, offload);
  EXPECT_EQ(receive(*packet_), std::vector{frame});
  EXPECT_EQ(last_, offload);
  // The same behind a tag, which moves the offsets.
  frame.insert(12, std::string("\x81\0\0\x0a", 4));
  Offload moved = offload;
  moved.checksum_start += 4;
  moved.header_length += 4;
  send(*tap_, frame, moved);
  EXPECT_EQ(receive(*packet_), std::vector{frame});
  EXPECT_EQ(last_, moved);
  send(*packet_, frame, moved);
  EXPECT_EQ(receive(*tap_), std::vector{frame});
  EXPECT_EQ(last_, moved);
}

TEST_F(InterfaceTest, AreGoneWithTheInterface) {
  ASSERT_TRUE(space_.ip_in("link del eth0"));
  std::vector<Frame> frames;
  for (Port* const port : {static_cast<Port*>(tap_.get()), static_cast<Port*>(packet_.get())}) {
    Result<bool> more = true;
    for (int i = 0; i < 100 && more; ++i) more = port->receive(pool_, frames, 16);
    ASSERT_FALSE(more);
    EXPECT_NE(more.error().message.find("port " + port->name()), std::string::npos) << more.error().message;
    send(*port, test_frame(experimental));  // is dropped
  }
}

TEST_F(InterfaceTest, WaitForAnInterfaceThatIsDown) {
  ASSERT_TRUE(space_.ip_in("link set eth0 down"));
  send(*tap_, test_frame(experimental));
  send(*packet_, test_frame(experimental));
  std::vector<Frame> frames;
  EXPECT_TRUE(tap_->receive(pool_, frames, 16));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(packet_->receive(pool_, frames, 16));
  ASSERT_TRUE(space_.ip_in("link set eth0 up"));
  receive(*packet_, 2);
  send(*tap_, test_frame(experimental));
  EXPECT_EQ(receive(*packet_).size(), 1u);
}

TEST_F(InterfaceTest, SayWhatIsWrong) {
  const auto tap_error = [&](TapOptions options) {
    const auto tap = TapPort::open("p7", options);
    return tap ? std::string("none") : tap.error().message;
  };
  EXPECT_EQ(tap_error({.interface = "eth0", .netns = space_.name()}), "port p7: TAP eth0 is in use by another program");
  EXPECT_NE(tap_error({.interface = "lo", .netns = space_.name()}).find("no TAP"), std::string::npos);
  EXPECT_NE(tap_error({.interface = "x", .netns = "no-such"}).find("network namespace no-such: No such"),
            std::string::npos);
  EXPECT_NE(tap_error({.interface = "a name that is long"}).find("up to 15 characters"), std::string::npos);
  EXPECT_NE(tap_error({.mtu = 67}).find("67 is not between 68 and 65521"), std::string::npos);
  const auto packet = PacketPort::open("p8", {.interface = "nope", .netns = space_.name()});
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().message, "port p8: there is no interface nope");
}

TEST_F(InterfaceTest, KeepAPersistentTapUntilItsPortEnds) {
  const TapOptions options = {.interface = "keep", .netns = space_.name(), .persistent = true};
  {
    const auto tap = TapPort::open("k", options);
    ASSERT_TRUE(tap) << tap.error().message;
    ASSERT_TRUE(space_.ip_in("addr add 10.77.0.1/24 dev keep"));
  }
  EXPECT_FALSE(space_.ip_in("link show keep"));
}

TEST_F(HostPortsTest, VxlanCarriesFramesToItsPeerOnly) {
  const auto near = VxlanPort::open(
      "near", {.remote = "127.0.0.2", .vni = 77, .port = 44789, .local_port = 44789, .local = "127.0.0.1"});
  const auto far = VxlanPort::open(
      "far", {.remote = "127.0.0.1", .vni = 77, .port = 44789, .local_port = 44789, .local = "127.0.0.2"});
  const auto other = VxlanPort::open(
      "other", {.remote = "127.0.0.2", .vni = 77, .port = 44789, .local_port = 44789, .local = "127.0.0.3"});
  ASSERT_TRUE(near && far && other);
  for (const size_t payload : {0u, 46u, 1500u, 9000u, 60'000u}) {
    const std::string frame = test_frame(std::string("\x81\0\0\x0a", 4) + experimental, payload);
    send(**other, frame);
    send(**near, frame);
    EXPECT_EQ(receive(**far), std::vector{frame});
  }
  EXPECT_EQ((*far)->counters().receive_dropped, 5u);
  send(**near, test_frame(experimental, 65'520));  // larger than a datagram
  EXPECT_EQ((*near)->counters().send_dropped, 1u);
}

TEST_F(HostPortsTest, VxlanDropsWhatIsNone) {
  const auto port = VxlanPort::open("v", {.remote = "127.0.0.2", .vni = 5, .local_port = 44790, .local = "127.0.0.1"});
  ASSERT_TRUE(port);
  const UniqueFd peer(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000002)}};
  ASSERT_EQ(bind(peer.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  address.sin_port = htons(44790);
  address.sin_addr.s_addr = htonl(0x7f000001);
  const auto datagram = [&](const std::string& bytes) {
    EXPECT_EQ(sendto(peer.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address),
              static_cast<ssize_t>(bytes.size()));
  };
  const std::string frame = test_frame(experimental);
  datagram("");
  datagram("\x08");
  datagram(std::string("\x08\0\0\0\0\0\6\0", 8) + frame);  // another VNI
  datagram(std::string("\0\0\0\0\0\0\5\0", 8) + frame);    // none at all
  datagram(std::string("\x08\0\0\0\0\0\5\0", 8) + frame);
  EXPECT_EQ(receive(**port), std::vector{frame});
  EXPECT_EQ((*port)->counters().receive_dropped, 4u);
}

TEST_F(HostPortsTest, VxlanSaysWhatIsWrong) {
  const auto error = [](const VxlanOptions& options) {
    const auto port = VxlanPort::open("v", options);
    return port ? std::string("none") : port.error().message;
  };
  EXPECT_EQ(error({.remote = "nowhere"}), "port v: 'nowhere' is no IPv4 or IPv6 address");
  EXPECT_EQ(error({.remote = "127.0.0.1", .vni = 1 << 24}), "port v: VNI 16777216 is not between 0 and 16777215");
  EXPECT_EQ(error({.remote = "127.0.0.1", .local_port = 0, .local = "::1"}),
            "port v: '::1' is no address of the same kind as 127.0.0.1");
}

TEST_F(HostPortsTest, UserNetworkAnswersArp) {
  auto loop = EventLoop::make();
  ASSERT_TRUE(loop && (*loop)->start());
  {
    const auto port = UserPort::open("nat", {}, **loop);
    ASSERT_TRUE(port) << port.error().message;
    std::string question = std::string(6, '\xff') + std::string("\x02\0\0\0\0\1", 6) +
                           std::string("\x08\x06\0\1\x08\0\6\4\0\1", 10) +
                           std::string("\x02\0\0\0\0\1\x0a\0\2\x0f\0\0\0\0\0\0\x0a\0\2\2", 20);
    send(**port, question);
    const auto answers = receive(**port);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].substr(20, 2), std::string("\0\2", 2));
    EXPECT_EQ(answers[0].substr(28, 4), std::string("\x0a\0\2\2", 4));
  }
  (*loop)->join();
}

}  // namespace
}  // namespace strata::network::ports

// The network device between a driver and a port that keeps what it is sent.
#include "devices/virtio/net/net.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/internet_checksum.h"
#include "devices/virtio/core/test_machine.h"

namespace strata::devices::virtio {
namespace {

struct Port final : iface::NetPort {
  bool takes_offloads() const override { return offloads; }
  void send(std::span<const std::byte> frame, const iface::Offload& offload) override {
    sent.push_back(text_of(frame));
    last = offload;
  }
  void connect(Receiver to) override { receiver = std::move(to); }
  void accept(const iface::OffloadKinds& kinds) override { accepted = kinds; }
  void come(std::string_view frame, const iface::Offload& offload = {}) {
    if (receiver) receiver(bytes_of(frame), offload);
  }
  std::vector<std::string> sent;
  Receiver receiver;
  bool offloads = false;
  iface::Offload last;
  iface::OffloadKinds accepted;
};

constexpr uint64_t mergeable = 1 << 15, csum = 1 << 0, guest_csum = 1 << 1, ctrl_vq = 1 << 17;

class NetTest : public testing::Test {
 protected:
  void open(uint64_t features, NetOptions options = {}) {
    device_ =
        std::make_unique<VirtioPci>(machine_.bus, std::nullopt, std::make_unique<Net>(machine_.memory, port_, options));
    driver_ = std::make_unique<TestDriver>(machine_, *device_);
    ASSERT_TRUE(driver_->start(features, true, 64));
  }
  Net& net() { return static_cast<Net&>(device_->device()); }
  static std::string header(uint8_t flags = 0, uint8_t gso = 0, uint16_t start = 0, uint16_t offset = 0) {
    std::string bytes(12, '\0');
    bytes[0] = static_cast<char>(flags);
    bytes[1] = static_cast<char>(gso);
    store_le<uint16_t>(&bytes[6], start);
    store_le<uint16_t>(&bytes[8], offset);
    return bytes;
  }
  void transmit(std::vector<TestDriver::Part> parts) {
    driver_->add(1, parts);
    driver_->kick(1);
    EXPECT_EQ(driver_->used(1).size(), 1u);
  }
  uint16_t give_room(size_t size) {
    const TestDriver::Part parts[] = {room(size)};
    const uint16_t head = driver_->add(0, parts);
    driver_->kick(0);
    return head;
  }
  std::string received(uint16_t head) { return text_of(driver_->contents(0, head, 0)); }

  TestMachine machine_;
  Port port_;
  std::unique_ptr<VirtioPci> device_;
  std::unique_ptr<TestDriver> driver_;
};

TEST_F(NetTest, SaysItsAddress) {
  open(0, {.mac = {2, 3, 4, 5, 6, 7}, .mtu = 9000});
  EXPECT_EQ(driver_->device_config<uint32_t>(0), 0x05040302u);
  EXPECT_EQ(driver_->device_config<uint16_t>(6), 1);
  EXPECT_EQ(driver_->device_config<uint16_t>(10), 9000);
  EXPECT_NE(driver_->offered() & (1 << 3), 0u);
}

TEST_F(NetTest, SendsFrames) {
  open(0);
  const std::string frame(60, 'f');
  transmit({text(header()), text(frame.substr(0, 20)), text(frame.substr(20))});
  transmit({text(header() + frame)});
  EXPECT_EQ(port_.sent, (std::vector{frame, frame}));
}

TEST_F(NetTest, DropsFramesThatAreNone) {
  open(csum);
  transmit({text(header())});
  transmit({text("short")});
  transmit({text(header() + std::string(13, 'x'))});
  transmit({text(header() + std::string(65551, 'x'))});
  transmit({text(header(0, 1) + std::string(60, 'x'))});         // segmentation was not offered
  transmit({text(header(1, 0, 59, 0) + std::string(60, 'x'))});  // the checksum would be half outside
  transmit({text(header(1, 0, 60, 0) + std::string(60, 'x'))});
  transmit({text(header(1, 0, 0xffff, 0xffff) + std::string(60, 'x'))});
  transmit({room(100)});
  EXPECT_TRUE(port_.sent.empty());
}

TEST_F(NetTest, OffersOffloadsWhereThePortTakesThem) {
  constexpr uint64_t tso = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 11 | 1 << 12 | 1 << 13;
  open(0);
  EXPECT_EQ(driver_->offered() & tso, 0u);
  device_.reset();
  port_.offloads = true;
  open(csum | guest_csum | mergeable | tso);
  EXPECT_EQ(driver_->offered() & tso, tso);
  EXPECT_EQ(port_.accepted, (iface::OffloadKinds{.checksum = true, .tcp4 = true, .tcp6 = true, .ecn = true}));

  const std::string segment(50'000, 's');
  std::string large = header(1, 1, 34, 16);
  store_le<uint16_t>(&large[2], 54);
  store_le<uint16_t>(&large[4], 1448);
  transmit({text(large + segment)});
  ASSERT_EQ(port_.sent, std::vector{segment});
  const iface::Offload offload = {.needs_checksum = true,
                                  .gso = iface::Offload::Gso::tcp4,
                                  .header_length = 54,
                                  .gso_size = 1448,
                                  .checksum_start = 34,
                                  .checksum_offset = 16};
  EXPECT_EQ(port_.last, offload);

  const uint16_t head = give_room(60'000);
  port_.come(segment, offload);
  large[10] = 1;  // num_buffers
  EXPECT_EQ(received(head).substr(0, large.size() + segment.size()), large + segment);

  transmit({text(header(0, 1, 34, 16) + segment)});  // segmentation without the checksum
  transmit({text(header(1, 3, 34, 16) + segment)});  // UDP fragments were not offered
  transmit({text(header(1, 1, 0xffff, 16) + segment)});
  EXPECT_EQ(port_.sent.size(), 1u);
  device_->reset();
  EXPECT_EQ(port_.accepted, iface::OffloadKinds{});
}

TEST_F(NetTest, CompletesChecksums) {
  open(csum);
  std::string frame(54, '\0');
  frame += "some data";
  frame[50] = 0x12;  // the sum of the pseudo header
  frame[51] = 0x34;
  transmit({text(header(1, 0, 34, 16) + frame)});
  ASSERT_EQ(port_.sent.size(), 1u);
  // Summed up again with the pseudo header, it has to give zero.
  auto covered = bytes_of(port_.sent[0].substr(34) + '\0' + "\x12\x34");
  EXPECT_EQ(internet_checksum(covered), 0);
}

TEST_F(NetTest, DeliversFrames) {
  open(guest_csum);
  const uint16_t head = give_room(1526);
  port_.come(std::string(100, 'r'));
  const auto used = driver_->used(0);
  ASSERT_EQ(used.size(), 1u);
  EXPECT_EQ(used[0].written, 112u);
  std::string expected = header();
  expected[10] = 1;  // num_buffers
  EXPECT_EQ(received(head).substr(0, 112), expected + std::string(100, 'r'));
  const uint16_t next = give_room(1526);
  port_.come(std::string(100, 'r'), {.checksum_valid = true});
  EXPECT_EQ(received(next)[0], 2);  // the driver need not look at checksums
}

TEST_F(NetTest, KeepsFramesUntilThereAreBuffers) {
  open(mergeable);
  port_.come(std::string(60, '1'));
  port_.come(std::string(60, '2'));
  EXPECT_TRUE(driver_->used(0).empty());
  const uint16_t first = give_room(1526);
  const uint16_t second = give_room(1526);
  EXPECT_EQ(driver_->used(0).size(), 2u);
  EXPECT_EQ(received(first)[12], '1');
  EXPECT_EQ(received(second)[12], '2');
}

TEST_F(NetTest, KeepsNoMoreThanALittle) {
  open(mergeable);
  for (int i = 0; i < 2000; ++i) port_.come(std::string(1500, 'x'));
  size_t delivered = 0;
  for (int i = 0; i < 2000; ++i) {
    driver_->forget_buffers();
    give_room(1526);
    delivered += driver_->used(0).size();
  }
  EXPECT_GT(delivered, 100u);
  EXPECT_LT(delivered, 1000u);
}

TEST_F(NetTest, SpreadsFramesOverMergedBuffers) {
  open(mergeable);
  const uint16_t first = give_room(1000);
  EXPECT_TRUE(driver_->used(0).empty());
  port_.come(std::string(1400, 'a') + std::string(600, 'b'));
  EXPECT_TRUE(driver_->used(0).empty());  // not before all of it has room
  const uint16_t second = give_room(1000);
  EXPECT_TRUE(driver_->used(0).empty());
  const uint16_t third = give_room(1000);
  const auto used = driver_->used(0);
  ASSERT_EQ(used.size(), 3u);
  EXPECT_EQ(used[0].written + used[1].written + used[2].written, 2012u);
  EXPECT_EQ(received(first)[10], 3);
  EXPECT_EQ(received(first).substr(12) + received(second) + received(third).substr(0, 12),
            std::string(1400, 'a') + std::string(600, 'b'));
}

TEST_F(NetTest, BreaksOverBuffersWithoutRoomForAHeader) {
  open(mergeable);
  give_room(11);
  port_.come(std::string(60, 'x'));
  EXPECT_EQ(driver_->status() & 64, 64);
  port_.come(std::string(60, 'x'));
}

TEST_F(NetTest, ObeysControlCommands) {
  open(ctrl_vq);
  const auto command = [&](std::string bytes) {
    const TestDriver::Part parts[] = {text(bytes), room(1)};
    const uint16_t head = driver_->add(2, parts);
    driver_->kick(2);
    EXPECT_EQ(driver_->used(2).size(), 1u);
    return std::to_integer<int>(driver_->contents(2, head, 1)[0]);
  };
  EXPECT_EQ(command(std::string("\0\0\1", 3)), 0);  // promiscuous
  EXPECT_EQ(command(std::string("\1\1", 2) + "\x02\x11\x22\x33\x44\x55"), 0);
  EXPECT_EQ(driver_->device_config<uint32_t>(0), 0x33221102u);
  EXPECT_EQ(command(std::string("\1\1", 2) + "\x02"), 1);
  EXPECT_EQ(command("\x07\x07"), 1);
  EXPECT_EQ(command("\1"), 1);
  driver_->set_common<uint8_t>(20, 0);
  EXPECT_EQ(driver_->device_config<uint32_t>(0), 0x12005452u);  // a reset brings its own back
}

TEST_F(NetTest, TellsWhenTheCableIsOut) {
  open(0);
  net().set_link(false);
  EXPECT_EQ(driver_->device_config<uint16_t>(6), 0);
  EXPECT_EQ(machine_.msi.messages.back().second, 0x40u);
  transmit({text(header() + std::string(60, 'x'))});
  EXPECT_TRUE(port_.sent.empty());
  const uint16_t head = give_room(1526);
  port_.come(std::string(60, 'x'));
  EXPECT_TRUE(driver_->used(0).empty());
  net().set_link(true);
  port_.come(std::string(60, 'y'));
  EXPECT_EQ(received(head)[12], 'y');
}

TEST_F(NetTest, SavesAndRestores) {
  open(mergeable | ctrl_vq);
  net().set_link(false);
  Writer out;
  device_->save(out);
  const auto blob = out.take();
  device_->reset();
  net().set_link(true);
  Reader in(blob);
  ASSERT_TRUE(device_->restore(in));
  EXPECT_EQ(driver_->device_config<uint16_t>(6), 0);
  EXPECT_EQ(driver_->status(), 15);
}

}  // namespace
}  // namespace strata::devices::virtio

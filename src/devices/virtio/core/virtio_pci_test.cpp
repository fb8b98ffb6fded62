// The PCI transport, through an entropy device that fills buffers with a known byte.
#include "devices/virtio/core/virtio_pci.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "devices/virtio/core/test_machine.h"
#include "devices/virtio/rng/rng.h"

namespace strata::devices::virtio {
namespace {

struct Sevens final : iface::Entropy {
  void fill(std::span<std::byte> out) override { std::ranges::fill(out, std::byte{7}); }
};

class VirtioPciTest : public testing::Test {
 protected:
  void expect_sevens(unsigned size) {
    const TestDriver::Part parts[] = {room(size)};
    const uint16_t head = driver_.add(0, parts);
    driver_.kick(0);
    const auto used = driver_.used(0);
    ASSERT_EQ(used.size(), 1u);
    EXPECT_EQ(used[0].id, head);
    EXPECT_EQ(used[0].written, size);
    EXPECT_EQ(driver_.contents(0, head, 0), std::vector(size, std::byte{7}));
  }

  TestMachine machine_;
  Sevens source_;
  VirtioPci device_{machine_.bus, std::nullopt, std::make_unique<Rng>(machine_.memory, source_)};
  TestDriver driver_{machine_, device_};
};

TEST_F(VirtioPciTest, SaysWhoItIs) {
  EXPECT_EQ(driver_.read_config(0, 4), 0x10441af4u);
  EXPECT_EQ(driver_.read_config(8, 1), 1u);
  EXPECT_EQ(driver_.common<uint16_t>(18), 1);  // queues
  EXPECT_EQ(driver_.common<uint16_t>(24), 64);
  driver_.set_common<uint16_t>(22, 1);
  EXPECT_EQ(driver_.common<uint16_t>(24), 0);  // no such queue
}

TEST_F(VirtioPciTest, WorksWithMessages) {
  ASSERT_TRUE(driver_.start(driver_.offered()));
  expect_sevens(100);
  EXPECT_EQ(machine_.msi.messages, (std::vector<std::pair<uint64_t, uint32_t>>{{0xfee00000, 0x41}}));
  EXPECT_FALSE(std::ranges::any_of(machine_.wires, &WireLog::level));
}

TEST_F(VirtioPciTest, WorksWithTheWire) {
  ASSERT_TRUE(driver_.start(0, false));
  expect_sevens(100);
  EXPECT_TRUE(std::ranges::any_of(machine_.wires, &WireLog::level));
  EXPECT_EQ(driver_.isr(), 1);  // reading it acknowledges
  EXPECT_FALSE(std::ranges::any_of(machine_.wires, &WireLog::level));
  EXPECT_EQ(driver_.isr(), 0);
  EXPECT_TRUE(machine_.msi.messages.empty());
}

TEST_F(VirtioPciTest, ServesWhatWasThereBeforeTheDriverWasReady) {
  ASSERT_TRUE(driver_.start(0));
  const TestDriver::Part parts[] = {room(8)};
  driver_.add(0, parts);
  driver_.set_common<uint8_t>(20, 15);
  EXPECT_TRUE(driver_.used(0).empty());  // it was ready already, and nobody kicked
  driver_.kick(0);
  EXPECT_EQ(driver_.used(0).size(), 1u);
}

TEST_F(VirtioPciTest, RefusesFeaturesThatItDoesNotOffer) {
  EXPECT_FALSE(driver_.start(1));
  EXPECT_FALSE(driver_.status() & 8);
  EXPECT_TRUE(driver_.start(0));
}

TEST_F(VirtioPciTest, RefusesDriversOfOldVersions) {
  driver_.set_common<uint8_t>(20, 3);
  driver_.set_common<uint8_t>(20, 11);
  EXPECT_EQ(driver_.status(), 3);
}

TEST_F(VirtioPciTest, DoesNothingBeforeTheDriverIsReady) {
  ASSERT_TRUE(driver_.start(0));
  driver_.set_common<uint8_t>(20, 0);
  EXPECT_EQ(driver_.status(), 0);
  driver_.kick(0);
  EXPECT_EQ(driver_.common<uint16_t>(28), 0);
  EXPECT_TRUE(driver_.used(0).empty());
}

TEST_F(VirtioPciTest, DoesNotTouchMemoryWithoutBusMastering) {
  ASSERT_TRUE(driver_.start(0));
  driver_.write_config(4, 2, 2);
  const TestDriver::Part parts[] = {room(8)};
  driver_.add(0, parts);
  driver_.kick(0);
  EXPECT_TRUE(driver_.used(0).empty());
  driver_.write_config(4, 2, 6);
  driver_.kick(0);
  EXPECT_EQ(driver_.used(0).size(), 1u);
}

TEST_F(VirtioPciTest, AsksForAResetWhenAQueueIsBroken) {
  ASSERT_TRUE(driver_.start(0));
  driver_.offer(0, 1000);
  driver_.kick(0);
  EXPECT_EQ(driver_.status(), 15 | 64);
  EXPECT_EQ(machine_.msi.messages.back().second, 0x40u);  // the configuration's vector
  machine_.msi.messages.clear();
  ASSERT_TRUE(driver_.start(0));
  EXPECT_EQ(driver_.status(), 15);
  expect_sevens(16);
}

TEST_F(VirtioPciTest, RefusesVectorsThatItDoesNotHave) {
  driver_.set_common<uint16_t>(16, 2);
  EXPECT_EQ(driver_.common<uint16_t>(16), 0xffff);
  driver_.set_common<uint16_t>(26, 1);
  EXPECT_EQ(driver_.common<uint16_t>(26), 1);
}

TEST_F(VirtioPciTest, TakesFieldsInPieces) {
  driver_.set_common<uint32_t>(32, 0x11223000);
  driver_.set_common<uint32_t>(36, 0x5);
  EXPECT_EQ(driver_.common<uint64_t>(32), 0x511223000u);
  EXPECT_EQ(driver_.common<uint8_t>(33), 0x30);
}

TEST_F(VirtioPciTest, HasAWindowInConfigurationSpace) {
  const unsigned window = driver_.window();
  driver_.write_config(window + 4, 1, VirtioPci::registers_bar);
  driver_.write_config(window + 8, 4, 24);
  driver_.write_config(window + 12, 4, 2);
  EXPECT_EQ(driver_.read_config(window + 16, 2), 64u);  // queue_size
  driver_.write_config(window + 16, 2, 32);
  EXPECT_EQ(driver_.common<uint16_t>(24), 32);
  driver_.write_config(window + 8, 4, 0xfffffffe);  // outside of the BAR: nothing happens
  driver_.write_config(window + 16, 2, 16);
  driver_.read_config(window + 16, 4);
  EXPECT_EQ(driver_.common<uint16_t>(24), 32);
}

TEST_F(VirtioPciTest, SavesAndRestores) {
  ASSERT_TRUE(driver_.start(driver_.offered()));
  expect_sevens(3);
  Writer out;
  device_.save(out);
  const auto blob = out.take();
  machine_.bus.reset();
  EXPECT_EQ(driver_.status(), 0xff);  // its BAR is gone
  Reader in(blob);
  const auto restored = device_.restore(in);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(driver_.status(), 15);
  machine_.msi.messages.clear();
  expect_sevens(5);
  EXPECT_EQ(machine_.msi.messages.size(), 1u);
  Writer again;
  device_.save(again);
  EXPECT_NE(again.take(), blob);
}

TEST_F(VirtioPciTest, RefusesDamagedState) {
  ASSERT_TRUE(driver_.start(driver_.offered()));
  Writer out;
  device_.save(out);
  const auto blob = out.take();
  for (size_t length = 0; length < blob.size(); length += 7) {
    Reader in(std::span<const std::byte>(blob).first(length));
    EXPECT_FALSE(device_.restore(in)) << length;
  }
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) {
    auto damaged = blob;
    for (int j = 0; j < 3; ++j) damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    Reader in(damaged);
    (void)device_.restore(in);  // either way, nothing breaks
    driver_.kick(0);
  }
}

TEST_F(VirtioPciTest, SurvivesRandomRegisterAccesses) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) {
    const unsigned size = 1u << random() % 4;
    const uint64_t offset = random() % (VirtioPci::bar_size / size) * size;
    const uint64_t place = random() % 4 ? offset % 0x40 : offset;
    if (random() % 2) {
      const uint64_t value = random() % 2 ? random() % 256 : random();
      machine_.memory.write(TestDriver::bar_address + place, std::as_bytes(std::span(&value, 1)).first(size));
    } else {
      machine_.memory.read_as<uint32_t>(TestDriver::bar_address + place);
    }
  }
}

}  // namespace
}  // namespace strata::devices::virtio

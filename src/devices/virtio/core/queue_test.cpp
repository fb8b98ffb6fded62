// Virtqueues against drivers that keep to the rules, and against rings made to do harm.
#include "devices/virtio/core/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/bits.h"
#include "memory/ram.h"

namespace strata::devices::virtio {
namespace {

using testing::HasSubstr;

constexpr uint64_t ram_size = 1 << 20;
constexpr uint64_t descriptors = 0x1000, available = 0x2000, used = 0x3000, tables = 0x4000, data = 0x8000;
constexpr uint16_t size = 8;
constexpr uint64_t all_features =
    feature_bit(feature_version_1) | feature_bit(feature_event_idx) | feature_bit(feature_indirect_desc);

class QueueTest : public testing::Test {
 protected:
  QueueTest() {
    memory_.add({.name = "ram", .base = 0, .size = ram_size, .kind = memory::Kind::ram});
    enable(all_features);
  }
  void enable(uint64_t features) {
    queue_.reset();
    queue_.layout() = {.size = size, .descriptors = descriptors, .available = available, .used = used};
    queue_.enable(features);
  }
  void describe(uint64_t table, uint16_t index, uint64_t address, uint32_t length, uint16_t flags, uint16_t next = 0) {
    const uint64_t at = table + index * 16u;
    memory_.write_as<uint64_t>(at, address);
    memory_.write_as<uint32_t>(at + 8, length);
    memory_.write_as<uint16_t>(at + 12, flags);
    memory_.write_as<uint16_t>(at + 14, next);
  }
  void offer(uint16_t head) {
    memory_.write_as<uint16_t>(available + 4 + (offered_ % size) * 2u, head);
    memory_.write_as<uint16_t>(available + 2, ++offered_);
  }
  /// What the queue says of descriptor 0 as a request.
  std::string complaint() {
    offer(0);
    EXPECT_FALSE(queue_.pop(chain_));
    return queue_.problem();
  }

  memory::DeviceLock lock_;
  std::unique_ptr<memory::Ram> ram_ = std::move(memory::Ram::make(ram_size).value());
  memory::AddressSpace memory_{*ram_, lock_};
  Queue queue_{memory_, size};
  Chain chain_;
  uint16_t offered_ = 0;
};

TEST_F(QueueTest, GivesChainsAsRunsOfBytes) {
  describe(descriptors, 3, data, 4, has_next, 5);
  describe(descriptors, 5, data + 100, 2, has_next, 1);
  describe(descriptors, 1, data + 200, 3, has_next | device_writes, 2);
  describe(descriptors, 2, data + 300, 5, device_writes);
  memory_.write(data, std::as_bytes(std::span("abcd", 4)));
  memory_.write(data + 100, std::as_bytes(std::span("ef", 2)));
  offer(3);
  ASSERT_TRUE(queue_.pop(chain_));
  EXPECT_EQ(chain_.head(), 3);
  EXPECT_EQ(chain_.readable_size(), 6u);
  EXPECT_EQ(chain_.writable_size(), 8u);
  char text[8] = {};
  EXPECT_EQ(chain_.read(1, std::as_writable_bytes(std::span(text))), 5u);
  EXPECT_STREQ(text, "bcdef");
  EXPECT_EQ(chain_.read(6, std::as_writable_bytes(std::span(text))), 0u);
  EXPECT_EQ(chain_.write(2, std::as_bytes(std::span("0123456789", 10))), 6u);
  EXPECT_EQ(memory_.read_as<uint8_t>(data + 202), '0');
  EXPECT_EQ(memory_.read_as<uint8_t>(data + 304), '5');
  EXPECT_EQ(chain_.read_le<uint16_t>(4), 0x6665);
  EXPECT_EQ(chain_.read_le<uint16_t>(5), 0);  // only half of it is there

  EXPECT_FALSE(queue_.pop(chain_));
  queue_.put(3, 7);
  EXPECT_EQ(memory_.read_as<uint16_t>(used + 2), 0);
  queue_.publish();
  EXPECT_EQ(memory_.read_as<uint16_t>(used + 2), 1);
  EXPECT_EQ(memory_.read_as<uint32_t>(used + 4), 3u);
  EXPECT_EQ(memory_.read_as<uint32_t>(used + 8), 7u);
}

TEST_F(QueueTest, FollowsIndirectTables) {
  describe(descriptors, 0, data, 4, has_next, 1);
  describe(descriptors, 1, tables, 32, is_indirect);
  describe(tables, 0, data + 100, 2, has_next, 1);
  describe(tables, 1, data + 200, 3, device_writes);
  offer(0);
  ASSERT_TRUE(queue_.pop(chain_));
  EXPECT_EQ(chain_.readable_size(), 6u);
  EXPECT_EQ(chain_.writable_size(), 3u);
}

TEST_F(QueueTest, TellsTheMachineWhatItWrites) {
  struct Watcher : memory::WriteWatcher {
    void written(uint64_t offset, uint64_t) override { pages.push_back(offset >> memory::page_bits); }
    std::vector<uint64_t> pages;
  } watcher;
  ram_->watch(watcher);
  ram_->mark(data, memory::Ram::Mark::code);
  describe(descriptors, 0, data, 4, device_writes);
  offer(0);
  ASSERT_TRUE(queue_.pop(chain_));
  EXPECT_TRUE(watcher.pages.empty());
  chain_.write(0, std::as_bytes(std::span("new!", 4)));
  EXPECT_EQ(watcher.pages, std::vector<uint64_t>{data >> memory::page_bits});
  ram_->unwatch(watcher);
}

TEST_F(QueueTest, RefusesDescriptorsOutsideOfItsTable) {
  offer(size);
  EXPECT_FALSE(queue_.pop(chain_));
  EXPECT_THAT(queue_.problem(), HasSubstr("descriptor 8 of 8 is made available"));
}

TEST_F(QueueTest, RefusesLinksOutsideOfItsTable) {
  describe(descriptors, 0, data, 4, has_next, 8);
  EXPECT_THAT(complaint(), HasSubstr("descriptor 8 of 8 is linked"));
}

TEST_F(QueueTest, RefusesRings) {
  describe(descriptors, 0, data, 4, has_next, 1);
  describe(descriptors, 1, data, 4, has_next, 0);
  EXPECT_THAT(complaint(), HasSubstr("too long, or a ring"));
}

TEST_F(QueueTest, RefusesRingsInIndirectTables) {
  describe(descriptors, 0, tables, 16, is_indirect);
  describe(tables, 0, data, 4, has_next, 0);
  EXPECT_THAT(complaint(), HasSubstr("too long, or a ring"));
}

TEST_F(QueueTest, RefusesNestedIndirectTables) {
  describe(descriptors, 0, tables, 16, is_indirect);
  describe(tables, 0, tables, 16, is_indirect);
  EXPECT_THAT(complaint(), HasSubstr("an indirect table where none may be"));
}

TEST_F(QueueTest, RefusesIndirectTablesThatGoOn) {
  describe(descriptors, 0, tables, 16, is_indirect | has_next, 1);
  EXPECT_THAT(complaint(), HasSubstr("an indirect descriptor with a next one"));
}

TEST_F(QueueTest, RefusesIndirectTablesOfOddSizes) {
  for (const uint32_t bytes : {0u, 1u, 15u, 17u, 0xffffffffu}) {
    enable(all_features);
    offered_ = 0;
    describe(descriptors, 0, tables, bytes, is_indirect);
    EXPECT_THAT(complaint(), HasSubstr("an indirect table of")) << bytes;
  }
}

TEST_F(QueueTest, RefusesIndirectTablesThatWereNotNegotiated) {
  enable(feature_bit(feature_version_1));
  describe(descriptors, 0, tables, 16, is_indirect);
  EXPECT_THAT(complaint(), HasSubstr("an indirect table where none may be"));
}

TEST_F(QueueTest, RefusesWhatIsNotInRam) {
  for (const uint64_t address : {ram_size, ram_size - 1, ~uint64_t{0}, ~uint64_t{0} - 3, uint64_t{1} << 63}) {
    enable(all_features);
    offered_ = 0;
    describe(descriptors, 0, address, 4, 0);
    EXPECT_THAT(complaint(), HasSubstr("not in RAM")) << address;
    enable(all_features);
    offered_ = 0;
    describe(descriptors, 0, address, 16, is_indirect);
    EXPECT_THAT(complaint(), HasSubstr("not in RAM")) << address;
  }
}

TEST_F(QueueTest, RefusesReadableBehindWritable) {
  describe(descriptors, 0, data, 4, device_writes | has_next, 1);
  describe(descriptors, 1, data, 4, 0);
  EXPECT_THAT(complaint(), HasSubstr("a readable buffer after a writable one"));
}

TEST_F(QueueTest, RefusesEmptyBuffers) {
  describe(descriptors, 0, data, 0, 0);
  EXPECT_THAT(complaint(), HasSubstr("an empty buffer"));
}

TEST_F(QueueTest, RefusesChainsOfMoreThanFourGigabytes) {
  auto ram = std::move(memory::Ram::make(uint64_t{3} << 30).value());
  memory::AddressSpace memory(*ram, lock_);
  memory.add({.name = "ram", .base = 0, .size = ram->size(), .kind = memory::Kind::ram});
  Queue queue(memory, size);
  queue.layout() = {.size = size, .descriptors = descriptors, .available = available, .used = used};
  queue.enable(all_features);
  for (uint16_t i = 0; i < 2; ++i) {
    memory.write_as<uint64_t>(descriptors + i * 16u, 0);
    memory.write_as<uint32_t>(descriptors + i * 16u + 8, 0xa0000000);
    memory.write_as<uint16_t>(descriptors + i * 16u + 12, i == 0 ? has_next : 0);
    memory.write_as<uint16_t>(descriptors + i * 16u + 14, 1);
  }
  memory.write_as<uint16_t>(available + 2, 1);
  EXPECT_FALSE(queue.pop(chain_));
  EXPECT_THAT(queue.problem(), HasSubstr("more than 4 GiB"));
}

TEST_F(QueueTest, RefusesAnIndexThatRunsAhead) {
  memory_.write_as<uint16_t>(available + 2, size + 1);
  EXPECT_FALSE(queue_.pop(chain_));
  EXPECT_THAT(queue_.problem(), HasSubstr("the available index is 9 ahead of 8 entries"));
}

TEST_F(QueueTest, RefusesADescriptorThatIsInUse) {
  describe(descriptors, 0, data, 4, 0);
  offer(0);
  offer(0);
  EXPECT_TRUE(queue_.pop(chain_));
  EXPECT_FALSE(queue_.pop(chain_));
  EXPECT_THAT(queue_.problem(), HasSubstr("descriptor 0 is made available while it is in use"));
  queue_.put(0, 0);  // what comes back late goes nowhere
  queue_.publish();
  EXPECT_EQ(memory_.read_as<uint16_t>(used + 2), 0);
  EXPECT_FALSE(queue_.wants_interrupt());
}

TEST_F(QueueTest, RefusesLayoutsThatCannotBe) {
  const Queue::Layout good = {.size = size, .descriptors = descriptors, .available = available, .used = used};
  const std::function<void(Queue::Layout&)> damages[] = {
      [](auto& layout) { layout.size = 0; },
      [](auto& layout) { layout.size = 7; },
      [](auto& layout) { layout.size = 2 * size; },
      [](auto& layout) { layout.descriptors += 8; },
      [](auto& layout) { layout.available += 1; },
      [](auto& layout) { layout.used += 2; },
      [](auto& layout) { layout.descriptors = ram_size; },
      [](auto& layout) { layout.available = ram_size - 4; },
      [](auto& layout) { layout.used = ~uint64_t{3}; },
  };
  for (const auto& damage : damages) {
    queue_.reset();
    queue_.layout() = good;
    damage(queue_.layout());
    queue_.enable(all_features);
    EXPECT_TRUE(queue_.broken());
    EXPECT_FALSE(queue_.pop(chain_));
    queue_.put(0, 0);
    queue_.publish();
    EXPECT_FALSE(queue_.wants_interrupt());
  }
}

TEST_F(QueueTest, RefusesADeviceAsMemory) {
  struct Trap : iface::BusDevice {
    uint64_t read(uint64_t, unsigned) override { return ADD_FAILURE(), 0; }
    void write(uint64_t, unsigned, uint64_t) override { ADD_FAILURE(); }
  } trap;
  memory_.add({.name = "trap", .base = ram_size, .size = 0x1000, .device = &trap});
  describe(descriptors, 0, ram_size, 4, device_writes);
  EXPECT_THAT(complaint(), HasSubstr("not in RAM"));
}

TEST_F(QueueTest, WrapsItsIndices) {
  describe(descriptors, 6, data, 4, device_writes);
  for (int i = 0; i < 70000; ++i) {
    offer(6);
    ASSERT_TRUE(queue_.pop(chain_)) << i;
    queue_.put(6, 4);
    queue_.publish();
  }
  EXPECT_EQ(memory_.read_as<uint16_t>(used + 2), static_cast<uint16_t>(70000));
}

TEST_F(QueueTest, GivesBackWhatWasPopped) {
  for (uint16_t i = 0; i < 2; ++i) {
    describe(descriptors, i, data, 4, 0);
    offer(i);
  }
  Chain first, second;
  ASSERT_TRUE(queue_.pop(first));
  ASSERT_TRUE(queue_.pop(second));
  queue_.unpop(second);
  queue_.unpop(first);
  ASSERT_TRUE(queue_.pop(chain_));
  EXPECT_EQ(chain_.head(), 0);
  ASSERT_TRUE(queue_.pop(chain_));
  EXPECT_EQ(chain_.head(), 1);
}

TEST_F(QueueTest, InterruptsUnlessToldNotTo) {
  enable(feature_bit(feature_version_1));
  describe(descriptors, 0, data, 4, 0);
  const auto one_more = [&] {
    offer(0);
    EXPECT_TRUE(queue_.pop(chain_));
    queue_.put(0, 0);
    queue_.publish();
    return queue_.wants_interrupt();
  };
  EXPECT_TRUE(one_more());
  EXPECT_FALSE(queue_.wants_interrupt());  // nothing new
  memory_.write_as<uint16_t>(available, no_interrupt);
  EXPECT_FALSE(one_more());
}

TEST_F(QueueTest, InterruptsAtTheIndexTheDriverNames) {
  describe(descriptors, 0, data, 4, 0);
  for (uint16_t i = 0; i < 8; ++i) {
    memory_.write_as<uint16_t>(available + 4 + 2 * size, 5);  // used_event: when entry 5 is used
    offer(0);
    EXPECT_TRUE(queue_.pop(chain_));
    queue_.put(0, 0);
    queue_.publish();
    EXPECT_EQ(queue_.wants_interrupt(), i == 5) << i;
  }
}

TEST_F(QueueTest, AsksForANotificationWhenItIsEmpty) {
  describe(descriptors, 0, data, 4, 0);
  offer(0);
  ASSERT_TRUE(queue_.pop(chain_));
  queue_.put(0, 0);
  EXPECT_FALSE(queue_.pop(chain_));
  EXPECT_EQ(memory_.read_as<uint16_t>(used + 4 + 8 * size), 1);  // avail_event
}

TEST_F(QueueTest, RestoresWhatWasInFlight) {
  for (uint16_t i = 0; i < 3; ++i) {
    describe(descriptors, i, data, 4u + i, device_writes);
    offer(i);
  }
  ASSERT_TRUE(queue_.pop(chain_));
  ASSERT_TRUE(queue_.pop(chain_));
  Writer out;
  out.enter("queue", 1);
  queue_.save(out);
  out.leave();
  const auto blob = out.take();

  Queue other(memory_, size);
  Reader in(blob);
  ASSERT_TRUE(in.enter("queue", 1));
  other.restore(in, all_features);
  ASSERT_TRUE(in.leave());
  std::vector<uint16_t> heads;
  while (other.pop(chain_)) heads.push_back(chain_.head());
  EXPECT_THAT(heads, testing::UnorderedElementsAre(0, 1, 2));
  for (const uint16_t head : heads) other.put(head, 0);
  other.publish();
  EXPECT_EQ(memory_.read_as<uint16_t>(used + 2), 3);
}

// Random rings: whatever happens, nothing outside of RAM is touched, and the queue ends.
TEST_F(QueueTest, SurvivesRandomRings) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2000; ++round) {
    enable(all_features);
    for (uint64_t at = 0; at < size * 16u; at += 2)
      memory_.write_as<uint16_t>(descriptors + at, random() % 3 ? random() % 9 : static_cast<uint16_t>(random()));
    for (uint64_t at = 0; at < 22; at += 2)
      memory_.write_as<uint16_t>(available + at, static_cast<uint16_t>(random() % 9));
    std::byte bytes[64] = {};
    for (int i = 0; i < 20 && queue_.pop(chain_); ++i) {
      chain_.read(random() % 64, bytes);
      chain_.write(random() % 64, bytes);
      queue_.put(chain_.head(), static_cast<uint32_t>(random()));
    }
    queue_.publish();
    queue_.wants_interrupt();
  }
}

}  // namespace
}  // namespace strata::devices::virtio

// The block device over a real file: what a driver writes is in the file, and the other way round.
#include "devices/virtio/blk/blk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "devices/virtio/core/test_machine.h"
#include "storage/disk.h"
#include "storage/test_executor.h"

namespace strata::devices::virtio {
namespace {

constexpr uint64_t disk_size = 1 << 20;

class BlkTest : public testing::Test {
 protected:
  BlkTest() {
    std::string name = testing::TempDir() + "strata-blk-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
    std::filesystem::resize_file(path_, disk_size);
  }
  ~BlkTest() override { std::filesystem::remove(path_); }

  void open(storage::DiskOptions options = {}) {
    store_ = storage::open_disk(path_, options, executor_).value();
    device_ = std::make_unique<VirtioPci>(machine_.bus, std::nullopt,
                                          std::make_unique<Blk>(machine_.memory, *store_, "a-serial"));
    driver_ = std::make_unique<TestDriver>(machine_, *device_);
    ASSERT_TRUE(driver_->start(driver_->offered(), true, 64));
  }

  static std::string header(uint32_t type, uint64_t sector) {
    std::string bytes(16, '\0');
    store_le<uint32_t>(bytes.data(), type);
    store_le<uint64_t>(bytes.data() + 8, sector);
    return bytes;
  }
  /// Does one request to its end; its status.
  int request(std::vector<TestDriver::Part> parts, bool table = false) {
    parts.push_back(room(1));
    parts.back().bytes[0] = std::byte{0xee};
    head_ = driver_->add(0, parts, table);
    driver_->kick(0);
    std::vector<TestDriver::Used> used;
    while ((used = driver_->used(0)).empty())
      if (!executor_.run_one()) return -1;
    EXPECT_EQ(used.size(), 1u);
    EXPECT_EQ(used[0].id, head_);
    written_ = used[0].written;
    return std::to_integer<int>(driver_->contents(0, head_, static_cast<unsigned>(parts.size() - 1))[0]);
  }
  std::string file() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::string path_;
  storage::TestExecutor executor_;
  TestMachine machine_;
  std::unique_ptr<iface::BlockStore> store_;
  std::unique_ptr<VirtioPci> device_;
  std::unique_ptr<TestDriver> driver_;
  uint16_t head_ = 0;
  uint32_t written_ = 0;
};

std::string sectors(char what, size_t count) { return std::string(count * 512, what); }

TEST_F(BlkTest, SaysHowLargeItIs) {
  open();
  EXPECT_EQ(driver_->device_config<uint64_t>(0), disk_size / 512);
  EXPECT_EQ(driver_->device_config<uint32_t>(20), 512u);
  EXPECT_EQ(driver_->offered() & (1 << 5), 0u);
}

TEST_F(BlkTest, WritesToTheFileAndReadsFromIt) {
  open();
  EXPECT_EQ(request({text(header(1, 3)), text(sectors('a', 1)), text(sectors('b', 2))}), 0);
  EXPECT_EQ(written_, 1u);
  EXPECT_EQ(file().substr(3 * 512, 3 * 512), sectors('a', 1) + sectors('b', 2));
  EXPECT_EQ(request({text(header(0, 2)), room(700), room(324 + 512)}, true), 0);
  EXPECT_EQ(written_, 1537u);
  EXPECT_EQ(text_of(driver_->contents(0, head_, 1)) + text_of(driver_->contents(0, head_, 2)),
            sectors('\0', 1) + sectors('a', 1) + sectors('b', 1));
}

TEST_F(BlkTest, TakesHeadersInPieces) {
  open();
  const std::string bytes = header(1, 1);
  EXPECT_EQ(request({text(bytes.substr(0, 5)), text(bytes.substr(5) + sectors('c', 1))}), 0);
  EXPECT_EQ(file().substr(512, 512), sectors('c', 1));
}

TEST_F(BlkTest, FlushesDiscardsAndZeroes) {
  open();
  EXPECT_EQ(request({text(header(1, 0)), text(sectors('x', 64))}), 0);
  EXPECT_EQ(request({text(header(4, 0))}), 0);
  std::string ranges(32, '\0');
  store_le<uint64_t>(ranges.data(), 8);
  store_le<uint32_t>(ranges.data() + 8, 8);
  store_le<uint64_t>(ranges.data() + 16, 32);
  store_le<uint32_t>(ranges.data() + 24, 1);
  store_le<uint32_t>(ranges.data() + 28, 1);  // may give back the room
  EXPECT_EQ(request({text(header(13, 0)), text(ranges)}), 0);
  EXPECT_EQ(file().substr(0, 64 * 512),
            sectors('x', 8) + sectors('\0', 8) + sectors('x', 16) + sectors('\0', 1) + sectors('x', 31));
  store_le<uint32_t>(ranges.data() + 28, 0);
  EXPECT_EQ(request({text(header(11, 0)), text(ranges)}), 0);
  store_le<uint32_t>(ranges.data() + 28, 1);
  EXPECT_EQ(request({text(header(11, 0)), text(ranges)}), 2);  // a discard has no flags
  store_le<uint64_t>(ranges.data(), disk_size / 512);
  EXPECT_EQ(request({text(header(13, 0)), text(ranges)}), 1);
  EXPECT_EQ(request({text(header(13, 0)), text(ranges.substr(1))}), 1);
  EXPECT_EQ(request({text(header(13, 0))}), 1);
}

TEST_F(BlkTest, TellsItsSerial) {
  open();
  EXPECT_EQ(request({text(header(8, 0)), room(20)}), 0);
  EXPECT_EQ(text_of(driver_->contents(0, head_, 1)), "a-serial" + std::string(12, '\0'));
}

TEST_F(BlkTest, FailsWhatCannotBe) {
  open();
  EXPECT_EQ(request({text(header(0, disk_size / 512)), room(512)}), 1);
  EXPECT_EQ(request({text(header(0, ~uint64_t{0})), room(512)}), 1);
  EXPECT_EQ(request({text(header(0, disk_size / 512 - 1)), room(1024)}), 1);
  EXPECT_EQ(request({text(header(1, disk_size / 512)), text(sectors('x', 1))}), 1);
  EXPECT_EQ(request({text(header(0, 0)), room(100)}), 1);
  EXPECT_EQ(request({text(header(1, 0)), text("short")}), 1);
  EXPECT_EQ(request({text(header(77, 0)), room(512)}), 2);
  EXPECT_EQ(file(), std::string(disk_size, '\0'));
}

TEST_F(BlkTest, BreaksOverRequestsWithoutHeaderOrStatus) {
  open();
  const TestDriver::Part no_status[] = {text(header(4, 0))};
  driver_->add(0, no_status);
  driver_->kick(0);
  EXPECT_EQ(driver_->status() & 64, 64);
}

TEST_F(BlkTest, ReadonlyIsSaidAndHeld) {
  open({.read_only = true});
  EXPECT_NE(driver_->offered() & (1 << 5), 0u);
  EXPECT_EQ(driver_->offered() & (1 << 13), 0u);
  EXPECT_EQ(request({text(header(1, 0)), text(sectors('x', 1))}), 1);
  EXPECT_EQ(request({text(header(13, 0)), text(std::string(16, '\0'))}), 1);
  EXPECT_EQ(request({text(header(0, 0)), room(512)}), 0);
  EXPECT_EQ(request({text(header(4, 0))}), 0);
}

TEST_F(BlkTest, HasManyRequestsInFlight) {
  open();
  std::mt19937 random(9);
  std::string model(disk_size, '\0');
  for (int round = 0; round < 50; ++round) {
    driver_->forget_buffers();
    std::vector<uint64_t> places;
    for (uint64_t i = 0; i < 4; ++i) {
      const uint64_t sector = i * 512 + random() % 500;
      const auto contents = sectors(static_cast<char>('a' + random() % 26), 1 + random() % 8);
      const TestDriver::Part parts[] = {text(header(1, sector)), text(contents), room(1)};
      driver_->add(0, parts, random() % 2);
      model.replace(sector * 512, contents.size(), contents);
    }
    driver_->kick(0);
    size_t done = 0;
    while (done < 4) {
      ASSERT_TRUE(executor_.run_one());
      done += driver_->used(0).size();
    }
  }
  EXPECT_TRUE(file() == model);
}

// What a driver has reset away must not write to its memory any more.
TEST_F(BlkTest, ForgetsRequestsAtReset) {
  open();
  const TestDriver::Part parts[] = {text(header(0, 0)), room(512), room(1)};
  const uint16_t head = driver_->add(0, parts);
  machine_.memory.write(TestDriver::buffers, std::vector(4096, std::byte{0x55}));
  const auto before = bytes_of(header(0, 0));
  machine_.memory.write(TestDriver::buffers, before);
  driver_->kick(0);
  driver_->set_common<uint8_t>(20, 0);
  ASSERT_TRUE(executor_.run_one());
  EXPECT_EQ(driver_->contents(0, head, 1), std::vector(512, std::byte{0x55}));
  EXPECT_EQ(driver_->contents(0, head, 2), std::vector(1, std::byte{0x55}));
}

TEST_F(BlkTest, CanBeDestroyedWithRequestsInFlight) {
  open();
  const TestDriver::Part parts[] = {text(header(0, 0)), room(512), room(1)};
  driver_->add(0, parts);
  driver_->kick(0);
  device_.reset();
  store_.reset();
  ASSERT_TRUE(executor_.run_one());
}

TEST_F(BlkTest, DoesAgainWhatWasInFlightWhenItWasSaved) {
  open();
  const TestDriver::Part parts[] = {text(header(1, 7)), text(sectors('s', 1)), room(1)};
  driver_->add(0, parts);
  driver_->kick(0);
  Writer out;
  device_->save(out);
  const auto blob = out.take();
  machine_.bus.reset();
  ASSERT_TRUE(executor_.run_one());  // ends for nobody
  Reader in(blob);
  ASSERT_TRUE(device_->restore(in));
  EXPECT_TRUE(driver_->used(0).empty());
  device_->device().resume();
  ASSERT_TRUE(executor_.run_one());
  EXPECT_EQ(driver_->used(0).size(), 1u);
  EXPECT_EQ(file().substr(7 * 512, 512), sectors('s', 1));
}

}  // namespace
}  // namespace strata::devices::virtio

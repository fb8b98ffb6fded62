// Disks over real files: data, locks, snapshots, and files that are no disks.
#include "storage/disk.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "storage/test_executor.h"

namespace strata::storage {
namespace {

using iface::BlockStore;
using testing::HasSubstr;

/// A file that is gone after the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(uint64_t size) {
    std::string name = testing::TempDir() + "strata-disk-XXXXXX";
    close(mkstemp(name.data()));
    path_ = name;
    std::filesystem::resize_file(path_, size);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }
  std::string contents() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string path_;
};

class Disk : public testing::Test {
 protected:
  std::unique_ptr<BlockStore> open(DiskOptions options = {}) {
    auto store = open_disk(file_.path(), options, executor_);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  Result<void> write(BlockStore& store, uint64_t offset, std::string text) {
    const BlockStore::Segment segment{reinterpret_cast<std::byte*>(text.data()), text.size()};
    return executor_.finish([&](auto done) { store.write(offset, {&segment, 1}, std::move(done)); });
  }
  std::string read(BlockStore& store, uint64_t offset, size_t size) {
    std::string text(size, '?');
    // In two segments, so that a request is more than one buffer.
    const BlockStore::Segment segments[] = {{reinterpret_cast<std::byte*>(text.data()), size / 4},
                                            {reinterpret_cast<std::byte*>(text.data()) + size / 4, size - size / 4}};
    const auto result = executor_.finish([&](auto done) { store.read(offset, segments, std::move(done)); });
    EXPECT_TRUE(result) << result.error().message;
    return text;
  }
  std::string refusal(DiskOptions options = {}) {
    const auto store = open_disk(file_.path(), options, executor_);
    return store ? "it was opened" : store.error().message;
  }

  static constexpr uint64_t disk_size = 8 << 20;
  TemporaryFile file_{disk_size};
  TestExecutor executor_;
};

std::string sectors(char what, size_t count) { return std::string(count * 512, what); }

TEST_F(Disk, KeepsWhatIsWritten) {
  auto disk = open();
  ASSERT_TRUE(disk);
  EXPECT_EQ(disk->size(), disk_size);
  EXPECT_TRUE(write(*disk, 512, sectors('a', 3)));
  EXPECT_TRUE(write(*disk, 1024, sectors('b', 1)));
  EXPECT_EQ(read(*disk, 0, 5 * 512),
            sectors('\0', 1) + sectors('a', 1) + sectors('b', 1) + sectors('a', 1) + sectors('\0', 1));
  EXPECT_TRUE(executor_.finish([&](auto done) { disk->flush(std::move(done)); }));
  EXPECT_EQ(file_.contents().substr(512, 1536), sectors('a', 1) + sectors('b', 1) + sectors('a', 1));
}

TEST_F(Disk, DiscardsAndWritesZeroes) {
  auto disk = open();
  ASSERT_TRUE(disk);
  EXPECT_TRUE(write(*disk, 0, std::string(1 << 20, 'x')));
  EXPECT_TRUE(executor_.finish([&](auto done) { disk->discard(65536, 131072, std::move(done)); }));
  EXPECT_TRUE(executor_.finish([&](auto done) { disk->write_zeroes(512, 512, std::move(done)); }));
  EXPECT_EQ(read(*disk, 0, 1536), sectors('x', 1) + sectors('\0', 1) + sectors('x', 1));
  EXPECT_EQ(std::filesystem::file_size(file_.path()), disk_size);
}

TEST_F(Disk, NeverCallsBackFromInsideTheCall) {
  auto disk = open();
  ASSERT_TRUE(disk);
  bool called = false;
  disk->flush([&](Result<void>) { called = true; });
  disk->read(disk_size, std::vector<BlockStore::Segment>{{nullptr, 512}}, [&](Result<void> result) {
    EXPECT_FALSE(result);
    called = true;
  });
  EXPECT_FALSE(called);
  EXPECT_TRUE(executor_.run_one());
  EXPECT_TRUE(called);
  EXPECT_TRUE(executor_.run_one());
}

TEST_F(Disk, RefusesRequestsOutsideOfItself) {
  auto disk = open();
  ASSERT_TRUE(disk);
  EXPECT_FALSE(write(*disk, disk_size, sectors('a', 1)));
  EXPECT_FALSE(write(*disk, disk_size - 512, sectors('a', 2)));
  EXPECT_FALSE(write(*disk, ~uint64_t{511}, sectors('a', 2)));
  EXPECT_FALSE(write(*disk, 1, sectors('a', 1)));
  EXPECT_FALSE(write(*disk, 0, "short"));
  EXPECT_FALSE(executor_.finish([&](auto done) { disk->discard(0, ~uint64_t{511}, std::move(done)); }));
  EXPECT_EQ(file_.contents(), std::string(disk_size, '\0'));
}

TEST_F(Disk, FailsWhereTheFileHasShrunk) {
  auto disk = open();
  ASSERT_TRUE(disk);
  std::filesystem::resize_file(file_.path(), 4096);
  std::vector<std::byte> buffer(8192);
  const BlockStore::Segment segment{buffer.data(), buffer.size()};
  const auto result = executor_.finish([&](auto done) { disk->read(0, {&segment, 1}, std::move(done)); });
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("the file ends at 4096"));
}

TEST_F(Disk, WritesWhatIsInFlightBeforeItGoes) {
  std::string text = sectors('z', 2048);
  const BlockStore::Segment segment{reinterpret_cast<std::byte*>(text.data()), text.size()};
  auto disk = open();
  ASSERT_TRUE(disk);
  for (uint64_t i = 0; i < 8; ++i)
    disk->write(i << 20, {&segment, 1}, [](Result<void> result) { EXPECT_TRUE(result); });
  disk.reset();
  EXPECT_EQ(file_.contents(), std::string(disk_size, 'z'));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(executor_.run_one());
}

TEST_F(Disk, ReadonlyRefusesWrites) {
  auto disk = open({.read_only = true});
  ASSERT_TRUE(disk);
  EXPECT_TRUE(disk->read_only());
  EXPECT_FALSE(write(*disk, 0, sectors('a', 1)));
  EXPECT_FALSE(executor_.finish([&](auto done) { disk->write_zeroes(0, 512, std::move(done)); }));
  EXPECT_EQ(read(*disk, 0, 512), sectors('\0', 1));
}

TEST_F(Disk, OneWriterOrManyReaders) {
  {
    auto writer = open();
    EXPECT_THAT(refusal(), HasSubstr("disk " + file_.path() + " is in use by another machine"));
    EXPECT_THAT(refusal({.read_only = true}),
                HasSubstr("disk " + file_.path() + " is being written by another machine"));
    EXPECT_THAT(refusal({.snapshot = true}), HasSubstr("is being written by another machine"));
  }
  auto reader = open({.read_only = true});
  auto overlay = open({.snapshot = true});
  EXPECT_THAT(refusal(), HasSubstr("is in use by another machine"));
}

TEST_F(Disk, SnapshotForgetsItsWrites) {
  {
    auto disk = open();
    EXPECT_TRUE(write(*disk, 0, std::string(1 << 20, 'o')));
  }
  {
    auto disk = open({.snapshot = true});
    ASSERT_TRUE(disk);
    EXPECT_FALSE(disk->read_only());
    EXPECT_TRUE(write(*disk, 1024, sectors('n', 2)));
    EXPECT_TRUE(executor_.finish([&](auto done) { disk->write_zeroes(4096, 512, std::move(done)); }));
    EXPECT_TRUE(executor_.finish([&](auto done) { disk->flush(std::move(done)); }));
    EXPECT_EQ(read(*disk, 0, 10 * 512),
              sectors('o', 2) + sectors('n', 2) + sectors('o', 4) + sectors('\0', 1) + sectors('o', 1));
    EXPECT_FALSE(write(*disk, disk_size, sectors('n', 1)));
  }
  EXPECT_EQ(file_.contents().substr(0, 1 << 20), std::string(1 << 20, 'o'));
  EXPECT_EQ(read(*open({.snapshot = true}), 1024, 512), sectors('o', 1));
}

TEST_F(Disk, SnapshotAgreesWithAModel) {
  auto disk = open({.snapshot = true});
  ASSERT_TRUE(disk);
  std::string model(disk_size, '\0');
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    const uint64_t first = random() % (disk_size / 512 - 1);
    const uint64_t count = 1 + random() % std::min<uint64_t>(random() % 4 == 0 ? 8192 : 16, disk_size / 512 - first);
    switch (random() % 3) {
      case 0: {
        const auto text = sectors(static_cast<char>('a' + i % 26), count);
        EXPECT_TRUE(write(*disk, first * 512, text));
        model.replace(first * 512, text.size(), text);
        break;
      }
      case 1:
        EXPECT_TRUE(executor_.finish([&](auto done) { disk->discard(first * 512, count * 512, std::move(done)); }));
        model.replace(first * 512, count * 512, sectors('\0', count));
        break;
      default:
        ASSERT_TRUE(read(*disk, first * 512, count * 512) == model.substr(first * 512, count * 512)) << "step " << i;
    }
  }
}

TEST_F(Disk, RefusesWhatIsNoDisk) {
  std::filesystem::resize_file(file_.path(), 1000);
  EXPECT_THAT(refusal(), HasSubstr("has 1000 bytes, which is no multiple of 512"));
  std::filesystem::resize_file(file_.path(), 0);
  EXPECT_THAT(refusal(), HasSubstr("is empty"));
  std::filesystem::remove(file_.path());
  EXPECT_THAT(refusal(), HasSubstr("disk " + file_.path() + ": No such file or directory"));
  ASSERT_EQ(mkfifo(file_.path().c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("is neither a file nor a block device"));
  EXPECT_THAT(open_disk("/tmp", {}, executor_).error().message, HasSubstr("disk /tmp"));
  EXPECT_THAT(open_disk("/dev/null", {}, executor_).error().message, HasSubstr("neither a file nor a block device"));
}

}  // namespace
}  // namespace strata::storage

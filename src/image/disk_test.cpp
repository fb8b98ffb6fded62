// Tests of making the guest's disk with the real tar and mke2fs.
#include "image/disk.h"

#include "base/process.h"
#include "base/unique_fd.h"
#include "image/test_tree.h"

#include <gmock/gmock.h>
#include <sys/eventfd.h>

namespace strata::image {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t mib = 1 << 20;

class Disk : public ::testing::Test {
 protected:
  // Files as root's, whoever runs the test.
  void pack() {
    make_test_tree(source_);
    const std::string command =
        fmt::format("tar -C {} -cf {} --owner=0 --group=0 .", source_.string(), archive_.string());
    ASSERT_EQ(run_command({{"sh", "-c", command}}), 0);
  }
  Result<void> make(std::uint64_t bytes, int cancel_fd = -1) {
    return make_disk(archive_, folder_.path / "tree", disk_, bytes, cancel_fd);
  }

  // What debugfs of e2fsprogs says about the disk.
  std::string debugfs(const std::string& request) {
    return output_of({{"sh", "-c", "PATH=$PATH:/sbin:/usr/sbin debugfs -R '" + request + "' " + disk_.string()}})
        .value_or("");
  }

  TestFolder folder_;
  std::filesystem::path source_ = folder_.path / "source";
  std::filesystem::path archive_ = folder_.path / "rootfs.tar";
  std::filesystem::path disk_ = folder_.path / "disk.raw";
};

TEST_F(Disk, HoldsTheFilesOfTheArchive) {
  pack();
  const auto made = make(64 * mib);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(std::filesystem::file_size(disk_), 64 * mib);
  EXPECT_EQ(debugfs("cat /etc/hostname"), "strata\n");
  EXPECT_THAT(debugfs("stat /etc/hostname"), HasSubstr("User:     0"));
  EXPECT_EQ(run_command({{"sh", "-c", "PATH=$PATH:/sbin:/usr/sbin e2fsck -fn " + disk_.string()}}), 0);
}

TEST_F(Disk, LeavesDeviceFilesToTheGuest) {
  write_file(source_ / "dev/console", "");
  pack();
  ASSERT_TRUE(make(64 * mib));
  EXPECT_THAT(debugfs("ls -p /dev"), ::testing::Not(HasSubstr("console")));
  EXPECT_THAT(debugfs("stat /dev"), HasSubstr("Type: directory"));
}

TEST_F(Disk, KeepsFilesThatTheirOwnerCannotRead) {
  pack();
  write_file(source_ / "etc/shadow", "secret\n");
  const std::string add =
      fmt::format("tar -C {} -rf {} --owner=0 --group=0 --mode=0 ./etc/shadow", source_.string(), archive_.string());
  ASSERT_EQ(run_command({{"sh", "-c", add}}), 0);
  const auto made = make(64 * mib);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(debugfs("cat /etc/shadow"), "secret\n");
  EXPECT_THAT(debugfs("stat /etc/shadow"), HasSubstr("Mode:  0000"));
}

TEST_F(Disk, SaysThatItIsTooSmall) {
  write_file(source_ / "large", std::string(12 * mib, 'x'));
  pack();
  const auto made = make(8 * mib);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::usage) << made.error().message;
}

TEST_F(Disk, RefusesADamagedArchive) {
  write_file(source_ / "large", std::string(mib, 'x'));
  pack();
  std::filesystem::resize_file(archive_, std::filesystem::file_size(archive_) / 2);
  const auto made = make(64 * mib);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("tar"));
  EXPECT_FALSE(make(64 * mib));
}

TEST_F(Disk, StopsWhenCancelled) {
  pack();
  const UniqueFd cancel(::eventfd(1, EFD_CLOEXEC));
  const auto made = make(64 * mib, cancel.get());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace strata::image

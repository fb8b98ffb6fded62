// Tests of the disk that a machine gets from an image's layers.
#include "image/machine_disk.h"

#include "base/process.h"
#include "base/unique_fd.h"
#include "image/collect.h"
#include "image/layers.h"
#include "image/store.h"
#include "image/test_layer.h"
#include "image/test_tree.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strata::image {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::uint64_t mib = 1 << 20;

class MachineDisk : public testing::Test {
 protected:
  MachineDisk() : home_("XDG_DATA_HOME", folder_.path), store_(*BlobStore::open()) { put("first"); }
  ~MachineDisk() override {
    if (LayerStore::open()) static_cast<void>(LayerStore::open()->remove(folder_.path / "strata"));
  }

  void put(const std::string& content) {
    const std::string lower = TestTar()
                                  .directory("etc", 0700)
                                  .file("etc/a", "lower")
                                  .file("etc/gone", "x")
                                  .hard_link("etc/b", "etc/a")
                                  .add({.name = "home", .content = "web's", .mode = 0600, .user = 33, .group = 34})
                                  .symlink("link", "/etc/a")
                                  .bytes();
    const std::string upper = TestTar().file("etc/a", content).file("etc/.wh.gone", "").bytes();
    ASSERT_TRUE(tag("team/app", put_image(store_, {lower, upper})));
  }
  Result<fs::path> make(const MachineDiskOptions& options = {.bytes = 64 * mib}) {
    return machine_disk(*find("team/app"), options);
  }
  // What debugfs of e2fsprogs says about a disk, its last line ended.
  static std::string debugfs(const fs::path& disk, const std::string& request) {
    return output_of({{"sh", "-c", "PATH=$PATH:/sbin:/usr/sbin debugfs -R '" + request + "' " + disk.string()}})
        .value_or("");
  }
  // Beside the image's own file.
  std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(*folder_of("team/app")))
      if (entry.path().filename() != "image.json") names.push_back(entry.path().filename());
    return names;
  }

  TestFolder folder_;
  TestVariable home_;
  BlobStore store_;
};

TEST_F(MachineDisk, HoldsAllLayersAsTheImageSays) {
  const auto disk = make();
  ASSERT_TRUE(disk) << disk.error().message;
  EXPECT_EQ(fs::file_size(*disk), 64 * mib);
  EXPECT_EQ(debugfs(*disk, "cat /etc/a"), "first\n");
  EXPECT_EQ(debugfs(*disk, "cat /etc/b"), "lower\n");
  EXPECT_THAT(debugfs(*disk, "ls -p /etc"), testing::Not(HasSubstr("gone")));
  EXPECT_THAT(debugfs(*disk, "stat /etc"), HasSubstr("Mode:  0700"));
  EXPECT_THAT(debugfs(*disk, "stat /link"), HasSubstr("Fast link dest: \"/etc/a\""));
  const bool has_owners = LayerStore::open()->has_owners();
  EXPECT_THAT(debugfs(*disk, "stat /home"),
              HasSubstr(has_owners ? "User:    33   Group:    34" : "User:     0   Group:     0"));
  EXPECT_EQ(run_command({{"sh", "-c", "PATH=$PATH:/sbin:/usr/sbin e2fsck -fn " + disk->string()}}), 0);
}

TEST_F(MachineDisk, TakesLittleMoreThanItsFiles) {
  const auto disk = make({});
  ASSERT_TRUE(disk) << disk.error().message;
  EXPECT_EQ(fs::file_size(*disk), 4096 * mib);
  struct stat status = {};
  ASSERT_EQ(::stat(disk->c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 16 * static_cast<long>(mib));
}

TEST_F(MachineDisk, IsMadeOnce) {
  const auto disk = make();
  ASSERT_TRUE(disk);
  struct stat first = {};
  struct stat second = {};
  ::stat(disk->c_str(), &first);
  EXPECT_EQ(*make(), *disk);
  ::stat(disk->c_str(), &second);
  EXPECT_EQ(first.st_ino, second.st_ino);
}

TEST_F(MachineDisk, OfOtherLayersOrSizeIsAnotherOne) {
  const auto disk = make();
  ASSERT_TRUE(disk);
  ASSERT_TRUE(make({.bytes = 32 * mib}));
  EXPECT_FALSE(fs::exists(*disk)) << "nobody asks for it again";
  put("second");
  const auto other = make();
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(debugfs(*other, "cat /etc/a"), "second\n");
  EXPECT_EQ(files(), std::vector<std::string>{other->filename()});
}

TEST_F(MachineDisk, LeavesNothingWhereItCannotBe) {
  for (const std::uint64_t bytes : {std::uint64_t{1}, 15 * mib, 64 * mib + 1})
    EXPECT_EQ(make({.bytes = bytes}).error().code, ErrorCode::usage) << bytes;
  const UniqueFd cancel(::eventfd(1, EFD_CLOEXEC));
  EXPECT_EQ(make({.cancel_fd = cancel.get()}).error().code, ErrorCode::cancelled);
  EXPECT_TRUE(files().empty());
}

TEST_F(MachineDisk, SweepsWhatADeadMakerLeft) {
  write_file(*folder_of("team/app") / ".building-disk-x" / "disk.raw", "half");
  ASSERT_TRUE(make());
  EXPECT_EQ(files().size(), 1U);
}

TEST_F(MachineDisk, OfADeadMakerIsGarbage) {
  const fs::path left = *folder_of("team/app") / ".building-disk-x";
  write_file(left / "disk.raw", "half");
  ASSERT_TRUE(collect_garbage());
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(MachineDisk, OfARunningMachineKeepsItsImage) {
  const auto disk = make();
  ASSERT_TRUE(disk);
  {
    const UniqueFd machine(::open(disk->c_str(), O_RDONLY | O_CLOEXEC));
    struct flock whole_file = {};
    whole_file.l_type = F_RDLCK;
    ASSERT_EQ(::fcntl(machine.get(), F_OFD_SETLK, &whole_file), 0);
    EXPECT_EQ(remove("team/app").error().code, ErrorCode::busy);
  }
  EXPECT_TRUE(remove("team/app"));
}

TEST_F(MachineDisk, SaysThatItIsTooSmall) {
  const std::string large = TestTar().file("large", std::string(24 * mib, 'x')).bytes();
  ASSERT_TRUE(tag("team/app", put_image(store_, {large})));
  const auto disk = make({.bytes = 16 * mib});
  ASSERT_FALSE(disk);
  EXPECT_EQ(disk.error().code, ErrorCode::usage);
  EXPECT_THAT(disk.error().message, HasSubstr("16 MiB is too small"));
}

}  // namespace
}  // namespace strata::image

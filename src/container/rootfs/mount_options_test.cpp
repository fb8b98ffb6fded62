// Tests of sorting mount options.
#include "container/rootfs/mount_options.h"

#include <gmock/gmock.h>
#include <sys/mount.h>

namespace strata::container {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(MountOptions, EachWordToItsPlace) {
  const auto sorted =
      sort_mount_options({"rbind", "ro", "nosuid", "rro", "rslave", "size=64k", "newinstance", "defaults"});
  EXPECT_TRUE(sorted.bind_recursive);
  EXPECT_EQ(sorted.own.set, std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
  EXPECT_EQ(sorted.recursive.set, std::uint64_t{MOUNT_ATTR_RDONLY});
  EXPECT_THAT(sorted.propagations, ElementsAre(static_cast<unsigned long>(MS_SLAVE | MS_REC)));
  EXPECT_THAT(sorted.settings, ElementsAre(Pair("size", "64k"), Pair("newinstance", "")));
}

TEST(MountOptions, TheLaterWordCounts) {
  EXPECT_FALSE(sort_mount_options({"ro", "rw"}).read_only());
  EXPECT_TRUE(sort_mount_options({"rw", "ro"}).read_only());
  const auto times = sort_mount_options({"noatime", "strictatime"});
  EXPECT_EQ(times.own.set, std::uint64_t{MOUNT_ATTR_STRICTATIME});
  EXPECT_EQ(times.own.clear, std::uint64_t{MOUNT_ATTR__ATIME});
}

}  // namespace
}  // namespace strata::container

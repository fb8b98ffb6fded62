// Tests of reading the cgroup hierarchies.
#include "container/cgroup/hierarchy.h"

#include <gmock/gmock.h>

namespace strata::container {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Hierarchy, HybridLayout) {
  const auto all = find_hierarchies(
      "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
      "30 29 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
      "31 29 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n"
      "32 29 0:28 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
      "33 29 0:26 /below /elsewhere rw - cgroup cgroup rw,cpu,cpuacct\n",
      "4:cpu,cpuacct:/user/one\n3:name=systemd:/init:scope\n0::/unit\n");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_FALSE(all[0].v2);
  EXPECT_THAT(all[0].controllers, ElementsAre("cpu", "cpuacct"));
  EXPECT_EQ(all[0].own_path, "/user/one");
  EXPECT_THAT(all[1].controllers, ElementsAre("name=systemd"));
  EXPECT_EQ(all[1].own_path, "/init:scope");
  EXPECT_TRUE(all[2].v2);
  EXPECT_THAT(all[2].controllers, IsEmpty());
  EXPECT_EQ(all[2].folder_of("/a/b"), "/sys/fs/cgroup/unified/a/b");
}

TEST(Hierarchy, MountedFromWithinAContainer) {
  const auto all = find_hierarchies("9 8 0:26 /docker/1 /my\\040cgroup rw - cgroup2 none rw\n", "0::/docker/1/sub\n");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].mount_point, "/my cgroup");
  EXPECT_EQ(all[0].folder_of(all[0].own_path), "/my cgroup/sub");
}

TEST(Hierarchy, LinesThatAreNone) { EXPECT_THAT(find_hierarchies("\n - \n1 2 3 4 5 - cgroup\nx", "::\n:"), IsEmpty()); }

}  // namespace
}  // namespace strata::container

// Tests of finding kernels: in what apt plans, in a tree, in the store.
#include "image/kernel.h"

#include "image/test_tree.h"

#include <gmock/gmock.h>

namespace strata::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(KernelPackages, AreTheNumberedOnes) {
  EXPECT_THAT(kernel_packages("Inst linux-base (4.12 Debian:13/stable [all])\n"
                              "Inst kmod (34 Debian:13/stable [amd64])\n"
                              "Inst linux-image-6.12.9-cloud-amd64 (6.12.9-1 Debian:13/stable [amd64])\n"
                              "Inst linux-image-cloud-amd64 (6.12.9-1 Debian:13/stable [amd64])\n"
                              "Conf linux-image-6.12.9-cloud-amd64 (6.12.9-1 Debian:13/stable [amd64])\n"),
              ElementsAre("linux-image-6.12.9-cloud-amd64"));
  EXPECT_THAT(kernel_packages("Inst linux-modules-7.0-amd64 (7.0-1)\nInst linux-binary-7.0-amd64 (7.0-1)"),
              ElementsAre("linux-modules-7.0-amd64", "linux-binary-7.0-amd64"));
  EXPECT_THAT(kernel_packages("Inst linux-image-\nInst linux-image"), IsEmpty());
}

TEST(FindKernel, InBootOrBesideItsModules) {
  const TestFolder folder;
  EXPECT_FALSE(find_kernel(folder.path));
  make_test_tree(folder.path);
  const auto found = find_kernel(folder.path);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->release, test_release);
  EXPECT_EQ(read_file(found->kernel), "kernel");

  std::filesystem::rename(folder.path / "usr/lib", folder.path / "lib");
  std::filesystem::rename(found->kernel, folder.path / "lib/modules" / test_release / "vmlinuz");
  const auto moved = find_kernel(folder.path);
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(read_file(moved->kernel), "kernel");
}

// Programs that stand for apt's and dpkg's: a mirror that is there, one that is not.
class MachineKernel : public ::testing::Test {
 protected:
  MachineKernel() {
    program("apt-config", "true");
    program("dpkg-deb", "cp -r '" + (folder_.path / "source").string() + "' \"$3\"");
    program("apt-get", R"(
case "$*" in
  indextargets*) echo 'http://mirror.test/debian|Debian|main' ;;
  *" update") echo "update $*" >>"$LOG"; [ ! -e "$LOG.offline" ] || { echo 'E: the mirror is asleep'; exit 100; } ;;
  *" -s "*) echo 'Inst linux-image-6.1.0-test (6.1 Debian [amd64])' ;;
  *--download-only*)
    for word; do case $word in Dir::Cache=*) cache=${word#Dir::Cache=} ;; esac; done
    : >"$cache/archives/linux-image-6.1.0-test_6.1_amd64.deb"
    : >"$cache/archives/initramfs-tools_1_all.deb" ;;
esac)");
    make_test_tree(folder_.path / "source");
  }
  void program(const char* name, const std::string& script) {
    write_file(folder_.path / "bin" / name, "#!/bin/sh\n" + script + "\n", 0755);
  }

  TestFolder folder_;
  TestVariable path_{"PATH", (folder_.path / "bin").string() + ":/usr/bin:/bin"};
  TestVariable home_{"XDG_DATA_HOME", (folder_.path / "data").string()};
  TestVariable log_{"LOG", (folder_.path / "log").string()};
  std::filesystem::path store_ = folder_.path / "data/strata/kernels";
};

TEST_F(MachineKernel, IsFetchedOnceAndKept) {
  double reached = 0;
  const auto kernel = machine_kernel([&](const Progress& progress) {
    EXPECT_GE(progress.fraction, reached);
    reached = progress.fraction;
  });
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->release, test_release);
  EXPECT_EQ(read_file(kernel->kernel), "kernel");
  EXPECT_THAT(read_file(kernel->modules), HasSubstr("-virtio_net.ko"));
  EXPECT_GT(reached, 0.5);
  std::filesystem::remove(folder_.path / "log");
  EXPECT_EQ(machine_kernel()->kernel, kernel->kernel);
  EXPECT_FALSE(std::filesystem::exists(folder_.path / "log")) << "apt was asked again";
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(store_), {}), 1) << "only the kernel stays";
}

TEST_F(MachineKernel, SaysWhatAptSaysAndLeavesNothing) {
  write_file(folder_.path / "log.offline", "");
  const auto kernel = machine_kernel();
  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().message, HasSubstr("the mirror is asleep"));
  EXPECT_THAT(kernel.error().message, HasSubstr("--kernel"));
  EXPECT_TRUE(std::filesystem::is_empty(store_));
}

TEST_F(MachineKernel, TheLastFetchedIsTaken) {
  for (const char* release : {"6.10", "6.9"}) {  // in this order: by time, not by name
    write_file(store_ / release / "kernel", release);
    write_file(store_ / release / "modules", release);
    const auto earlier =
        std::filesystem::file_time_type::clock::now() - std::chrono::hours(release == std::string("6.10") ? 2 : 1);
    std::filesystem::last_write_time(store_ / release / "kernel", earlier);
  }
  write_file(store_ / ".building-kernel-x" / "kernel", "half");
  EXPECT_EQ(machine_kernel()->release, "6.9");
}

}  // namespace
}  // namespace strata::image

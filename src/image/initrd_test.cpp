// Tests of choosing modules and writing the initrd.
#include "image/initrd.h"

#include "base/process.h"
#include "image/modules.h"
#include "image/test_tree.h"

#include <gmock/gmock.h>

namespace strata::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Initrd : public ::testing::Test {
 protected:
  Initrd() { make_test_tree(tree_); }

  TestFolder folder_;
  std::filesystem::path tree_ = folder_.path / "tree";
  std::filesystem::path modules_ = tree_ / "usr/lib/modules" / test_release;

  std::vector<std::string> load(const std::vector<std::string>& names) {
    const auto modules = modules_to_load(modules_, names);
    if (!modules) return {modules.error().message};
    std::vector<std::string> found;
    for (const Module& module : *modules) found.push_back(module.name);
    return found;
  }
};

TEST_F(Initrd, LoadsWhatAModuleNeedsBeforeIt) { EXPECT_THAT(load({"ext4"}), ElementsAre("crc16", "jbd2", "ext4")); }

TEST_F(Initrd, TakesDashAndUnderscoreForTheSame) {
  EXPECT_THAT(load({"virtio_blk", "virtio-blk"}), ElementsAre("virtio_blk"));
}

TEST_F(Initrd, NeedsNoModuleForWhatIsBuiltIn) { EXPECT_THAT(load({"virtio_pci"}), IsEmpty()); }

TEST_F(Initrd, SaysWhichDriverTheKernelLacks) {
  const auto modules = modules_to_load(modules_, {"virtio_pci", "floppy"});
  ASSERT_FALSE(modules);
  EXPECT_THAT(modules.error().message, HasSubstr("floppy"));
  EXPECT_THAT(load({"floppy?"}), IsEmpty()) << "it may be missing";
  EXPECT_FALSE(modules_to_load(folder_.path / "nowhere", {}));
}

TEST_F(Initrd, EndsWhereModulesNeedEachOther) {
  write_file(modules_ / "kernel/a.ko", module_text("a", "b"));
  write_file(modules_ / "kernel/b.ko", module_text("b", "a"));
  EXPECT_THAT(load({"a"}), ElementsAre("b", "a"));
}

TEST_F(Initrd, HoldsModulesUnpackedAndInOrder) {
  ASSERT_EQ(run_command({{"xz", (modules_ / "kernel/lib/crc16.ko").string()}}), 0);
  const std::filesystem::path initrd = folder_.path / "initrd";
  const auto made = make_initrd(tree_, test_release, initrd);
  ASSERT_TRUE(made) << made.error().message;

  const std::filesystem::path unpacked = folder_.path / "unpacked";
  std::filesystem::create_directory(unpacked);
  ASSERT_EQ(run_command({{"sh", "-c", "cd " + unpacked.string() + " && cpio --quiet -id <" + initrd.string()}}), 0);
  EXPECT_EQ(read_file(unpacked / "modules/100-virtio_blk.ko"), module_text("virtio_blk", ""));
  EXPECT_EQ(read_file(unpacked / "modules/101-crc16.ko"), module_text("crc16", ""));
  EXPECT_EQ(read_file(unpacked / "modules/103-ext4.ko"), module_text("ext4", "jbd2,crc16"));
  EXPECT_EQ(read_file(unpacked / "modules/104-virtio_net.ko"), module_text("virtio_net", ""));
  EXPECT_EQ(read_file(unpacked / "lib/klibc-test.so"), "klibc");
  EXPECT_EQ(run_command({{"sh", "-n", (unpacked / "init").string()}}), 0);
}

TEST_F(Initrd, SaysWhatTheTreeLacks) {
  std::filesystem::remove(tree_ / "usr/lib/klibc/bin/run-init");
  const auto made = make_initrd(tree_, test_release, folder_.path / "initrd");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("run-init"));
}

TEST_F(Initrd, SaysThatTheDiskIsFull) {
  const auto made = make_initrd(tree_, test_release, "/dev/full");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::no_space) << made.error().message;
}

}  // namespace
}  // namespace strata::image

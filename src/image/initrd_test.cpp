// Tests of choosing modules and writing the initrd.
#include "image/initrd.h"

#include "base/process.h"
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
};

TEST_F(Initrd, LoadsWhatAModuleNeedsBeforeIt) {
  EXPECT_THAT(*modules_to_load(modules_, {"ext4"}),
              ElementsAre("kernel/lib/crc16.ko", "kernel/fs/jbd2/jbd2.ko", "kernel/fs/ext4/ext4.ko"));
}

TEST_F(Initrd, TakesDashAndUnderscoreForTheSame) {
  EXPECT_THAT(*modules_to_load(modules_, {"virtio_blk"}), ElementsAre("kernel/drivers/block/virtio-blk.ko"));
}

TEST_F(Initrd, NeedsNoModuleForWhatIsBuiltIn) { EXPECT_THAT(*modules_to_load(modules_, {"virtio_pci"}), IsEmpty()); }

TEST_F(Initrd, SaysWhichDriverTheKernelLacks) {
  const auto modules = modules_to_load(modules_, {"virtio_pci", "floppy"});
  ASSERT_FALSE(modules);
  EXPECT_THAT(modules.error().message, HasSubstr("floppy"));
  EXPECT_FALSE(modules_to_load(folder_.path, {}));
}

TEST_F(Initrd, EndsWhereModulesNeedEachOther) {
  write_file(modules_ / "modules.dep", "a.ko: b.ko\nb.ko: a.ko\n");
  EXPECT_THAT(*modules_to_load(modules_, {"a"}), ElementsAre("b.ko", "a.ko"));
}

TEST_F(Initrd, HoldsModulesUnpackedAndInOrder) {
  ASSERT_EQ(run_command({{"xz", (modules_ / "kernel/lib/crc16.ko").string()}}), 0);
  write_file(modules_ / "modules.dep",
             "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko.xz\nkernel/lib/crc16.ko.xz:\n"
             "kernel/drivers/block/virtio-blk.ko:\n");
  const std::filesystem::path initrd = folder_.path / "initrd";
  const auto made = make_initrd(tree_, test_release, initrd);
  ASSERT_TRUE(made) << made.error().message;

  const std::filesystem::path unpacked = folder_.path / "unpacked";
  std::filesystem::create_directory(unpacked);
  ASSERT_EQ(run_command({{"sh", "-c", "cd " + unpacked.string() + " && cpio --quiet -id <" + initrd.string()}}), 0);
  EXPECT_EQ(read_file(unpacked / "modules/100-virtio_blk.ko"), "virtio_blk");
  EXPECT_EQ(read_file(unpacked / "modules/101-crc16.ko"), "crc16");
  EXPECT_EQ(read_file(unpacked / "modules/102-ext4.ko"), "ext4");
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

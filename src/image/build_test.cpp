// Tests of whole builds: with a pretended mmdebstrap that fails in every way, and (slow) with the real one.
#include "base/process.h"
#include "base/unique_fd.h"
#include "image/image.h"
#include "image/test_tree.h"

#include <gmock/gmock.h>
#include <sys/eventfd.h>

#include <set>

namespace strata::image {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

class Build : public ::testing::Test {
 protected:
  Build() {
    pretend("apt-get", "echo 'http://mirror.test/debian/|Debian|main'");
    pretend("apt-config", "true");
    make_test_tree(folder_.path / "source");
  }
  void pretend(const std::string& program, const std::string& script) {
    write_file(folder_.path / "bin" / program, "#!/bin/sh\n" + script + "\n", 0755);
  }
  // Finds the archive's path among mmdebstrap's arguments.
  void pretend_mmdebstrap(const std::string& script) {
    pretend("mmdebstrap", "for a; do case $a in *.tar) target=$a;; esac; done; source=" +
                              (folder_.path / "source").string() + "\n" + script);
  }
  void pretend_good_mmdebstrap() {
    pretend_mmdebstrap(
        "echo 'I: running apt-get update...' >&2; echo 'I: creating tarball...' >&2; tar -C $source --owner=0 "
        "--group=0 -cf $target .");
  }
  static Error error_of_build(const BuildOptions& options = {.source = "debian:trixie"}) {
    const auto image = build(options);
    return image ? Error{ErrorCode::failed, "no error"} : image.error();
  }
  // Nothing of a build, whole or half.
  bool store_is_empty() const {
    return !fs::exists(folder_.path / "strata/images") || fs::is_empty(folder_.path / "strata/images");
  }

  TestFolder folder_;
  TestVariable data_home_{"XDG_DATA_HOME", folder_.path.string()};
  TestVariable path_{"PATH", (folder_.path / "bin").string() + ":" + std::getenv("PATH")};
};

TEST_F(Build, MakesAnImage) {
  pretend_good_mmdebstrap();
  std::vector<std::string> phases;
  double reached = 0;
  const auto image = build({.source = "debian:trixie", .disk_bytes = gib}, [&](const Progress& progress) {
    if (phases.empty() || phases.back() != progress.phase) phases.emplace_back(progress.phase);
    EXPECT_GE(progress.fraction, reached);
    reached = progress.fraction;
  });
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(reached, 1.0);
  EXPECT_THAT(phases, ::testing::ElementsAre("fetching package lists", "packing the system", "packing the layer",
                                             "making the disk", "finishing", "done"));
  EXPECT_TRUE(image->info.manifest);
  EXPECT_GT(image->info.layer_bytes, 0U);
  EXPECT_EQ(image->info.kernel_release, test_release);
  EXPECT_EQ(fs::file_size(image->disk), gib);
  EXPECT_LT(image->info.stored_bytes, 100u << 20);
  EXPECT_EQ(read_file(image->kernel), "kernel");
  EXPECT_TRUE(fs::exists(image->initrd));
  std::set<std::string> files;
  for (const auto& entry : fs::directory_iterator(image->disk.parent_path())) files.insert(entry.path().filename());
  EXPECT_EQ(files, (std::set<std::string>{"disk.raw", "image.json", "initrd", "kernel"}));
}

TEST_F(Build, FindsTheKernelBesideItsModules) {
  fs::rename(folder_.path / "source/boot/vmlinuz-6.1.0-test",
             folder_.path / "source/usr/lib/modules/6.1.0-test/vmlinuz");
  pretend_good_mmdebstrap();
  const auto image = build({.source = "debian:sid", .disk_bytes = gib});
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(read_file(image->kernel), "kernel");
}

TEST_F(Build, DoesWithoutUpdatesThatTheMirrorLacks) {
  pretend_mmdebstrap(
      "case \"$*\" in *trixie-updates*) "
      "echo 'E: Failed to fetch http://mirror.test/debian/dists/trixie-updates/main/x.xz  404' >&2; exit 1;; esac\n"
      "tar -C $source -cf $target .");
  EXPECT_TRUE(build({.source = "debian:trixie"}));
}

TEST_F(Build, TakesANameAndPackagesOfTheUsers) {
  pretend_mmdebstrap(
      "case \"$*\" in *,gcc,libstdc++-12-dev*) tar -C $source -cf $target .;; *) echo E: $* >&2; exit 1;; esac");
  const auto image =
      build({.source = "debian:trixie", .name = "tools", .packages = {"gcc", "libstdc++-12-dev"}, .disk_bytes = gib});
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->info.name, "tools");
  EXPECT_EQ(image->info.suite, "trixie");
  EXPECT_TRUE(find("tools"));
  EXPECT_FALSE(find("debian:trixie"));
}

TEST_F(Build, RefusesNamesThatCannotBe) {
  pretend_mmdebstrap("echo this must not run >&2; exit 1");
  for (const std::string name : {"-x", "Gcc", "a", "gcc,vim", "gcc vim", "a=1", "gcc/sid", "~x", "", "g$(x)"}) {
    const Error error = error_of_build({.source = "debian:trixie", .packages = {name}});
    EXPECT_EQ(error.code, ErrorCode::usage);
    EXPECT_THAT(error.message, HasSubstr("'" + name + "' is no name of a Debian package"));
  }
  EXPECT_EQ(error_of_build({.source = "debian:trixie", .name = "../x"}).code, ErrorCode::usage);
}

TEST_F(Build, DoesNotBuildTwice) {
  pretend_good_mmdebstrap();
  ASSERT_TRUE(build({.source = "debian:trixie"}));
  EXPECT_EQ(error_of_build().code, ErrorCode::already_exists);
  EXPECT_TRUE(build({.source = "debian:trixie", .replace = true}));
}

TEST_F(Build, BuildsAnewWhatIsDamaged) {
  pretend_good_mmdebstrap();
  write_file(folder_.path / "strata/images/debian:trixie/image.json", "");
  EXPECT_TRUE(build({.source = "debian:trixie"}));
}

TEST_F(Build, SaysWhatMmdebstrapSaid) {
  pretend_mmdebstrap("echo 'E: Unable to locate package nothing' >&2; echo half >$target; exit 1");
  EXPECT_EQ(error_of_build().message, "building debian:trixie: mmdebstrap: Unable to locate package nothing");
  EXPECT_TRUE(store_is_empty());
}

TEST_F(Build, SaysThatMmdebstrapFailedSilently) {
  pretend_mmdebstrap("exit 7");
  EXPECT_EQ(error_of_build().message, "building debian:trixie: mmdebstrap ended with code 7");
}

TEST_F(Build, SaysThatMmdebstrapWasKilled) {
  pretend_mmdebstrap("echo half >$target; kill -9 $$");
  EXPECT_THAT(error_of_build().message, AllOf(HasSubstr("building debian:trixie"), HasSubstr("signal 9")));
  EXPECT_TRUE(store_is_empty());
}

TEST_F(Build, SaysThatTheDiskIsFull) {
  pretend_mmdebstrap("tar -C $source -cf - . >/dev/full");
  const Error error = error_of_build();
  EXPECT_EQ(error.code, ErrorCode::no_space);
  EXPECT_THAT(error.message, AllOf(HasSubstr("the disk is full"), HasSubstr("MiB are free")));
  EXPECT_TRUE(store_is_empty());
}

TEST_F(Build, SaysWhatTheGuestLacks) {
  pretend_mmdebstrap("tar -C $source --exclude=./boot -cf $target .");
  EXPECT_EQ(error_of_build().message, "building debian:trixie: the guest has no kernel with its modules");
  pretend_mmdebstrap("tar -C $source --exclude=./usr -cf $target .");
  EXPECT_EQ(error_of_build().message, "building debian:trixie: the guest has no kernel with its modules");
  pretend_mmdebstrap("echo garbage >$target");
  EXPECT_THAT(error_of_build().message, HasSubstr("tar: "));
  EXPECT_TRUE(store_is_empty());
}

TEST_F(Build, StopsWhenCancelled) {
  const UniqueFd cancel(::eventfd(0, EFD_CLOEXEC));
  pretend_mmdebstrap("echo half >$target; echo 'I: running apt-get update...'; sleep 1000");
  const auto image = build({.source = "debian:trixie", .cancel_fd = cancel.get()},
                           [&](const Progress&) { ::eventfd_write(cancel.get(), 1); });
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error(), (Error{ErrorCode::cancelled, "building debian:trixie was stopped"}));
  EXPECT_TRUE(store_is_empty());
}

TEST_F(Build, NamesTheMissingProgram) {
  for (const char* program : {"/bin/sh", "/usr/bin/unshare", "/bin/true"})
    fs::create_symlink(program, folder_.path / "bin" / fs::path(program).filename());
  const TestVariable only_ours("PATH", (folder_.path / "bin").string());
  EXPECT_THAT(error_of_build().message, HasSubstr("apt-get install mmdebstrap"));
  EXPECT_TRUE(store_is_empty());
}

TEST_F(Build, RefusesDisksThatCannotBe) {
  pretend_mmdebstrap("echo this must not run >&2; exit 1");
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1} << 20, gib + 1}) {
    const Error error = error_of_build({.source = "debian:trixie", .disk_bytes = bytes});
    EXPECT_EQ(error.code, ErrorCode::usage);
    EXPECT_THAT(error.message, HasSubstr(std::to_string(bytes)));
  }
}

TEST_F(Build, SaysThatTheStoreCannotBe) {
  write_file(folder_.path / "strata", "a file where the folder should be");
  const Error error = error_of_build();
  EXPECT_THAT(error.message, HasSubstr("/strata/.lock: Not a directory"));
}

// Boots the image to systemd, with a command and the way out on the kernel's command line.
std::string output_of_boot(const Image& image, const std::string& command) {
  Command qemu{{"timeout",
                "300",
                "qemu-system-x86_64",
                "-accel",
                "tcg",
                "-m",
                "512",
                "-nographic",
                "-no-reboot",
                "-kernel",
                image.kernel.string(),
                "-initrd",
                image.initrd.string(),
                "-append",
                image.info.command_line + " quiet systemd.run=\"" + command + "\" systemd.run_success_action=poweroff",
                "-drive",
                "if=none,id=disk,format=raw,file=" + image.disk.string(),
                "-device",
                "virtio-blk-pci,drive=disk",
                "-nic",
                "user,model=virtio-net-pci"}};
  return output_of(qemu).value_or("qemu failed");
}

void build_and_boot(const BuildOptions& options) {
  const TestFolder folder;
  const TestVariable data_home("XDG_DATA_HOME", folder.path.string());
  const auto image = build(options);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(run_command({{"sh", "-c", "PATH=$PATH:/sbin:/usr/sbin e2fsck -fn " + image->disk.string()}}), 0);
  if (run_command({{"qemu-system-x86_64", "--version"}}) != 0)
    GTEST_SKIP() << "qemu-system-x86_64 is missing: the image was not booted";
  EXPECT_THAT(output_of_boot(*image, "python3 -c 'print(sum(range(10**6)))'"), HasSubstr("499999500000"));
}

TEST(BuildSlow, TrixieBoots) { build_and_boot({.source = "debian:trixie"}); }
TEST(BuildSlow, BookwormI386Boots) { build_and_boot({.source = "debian:bookworm", .architecture = "i386"}); }

}  // namespace
}  // namespace strata::image

// Tests of the image store: names, publishing, sweeping, listing and removing.
#include "image/store.h"

#include "image/test_tree.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

namespace strata::image {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Store : public ::testing::Test {
 protected:
  static void fill(const StagingFolder& staging, const std::string& content) {
    for (const std::string_view file : {disk_file, kernel_file, initrd_file})
      write_file(staging.directory() / file, content);
    ASSERT_TRUE(write_info(staging.directory(), {.name = "x",
                                                 .suite = "trixie",
                                                 .architecture = "amd64",
                                                 .kernel_release = "6.12",
                                                 .command_line = "quiet",
                                                 .created = "2026-01-01T00:00:00Z",
                                                 .disk_bytes = 4096}));
  }
  static void add(const std::string& name) {
    auto staging = stage_image(name);
    ASSERT_TRUE(staging);
    fill(*staging, name);
    ASSERT_TRUE(publish_image(*staging, name, false));
  }
  std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(store_)) names.push_back(entry.path().filename());
    return names;
  }

  TestFolder folder_;
  TestVariable data_home_{"XDG_DATA_HOME", folder_.path.string()};
  fs::path store_ = folder_.path / "strata/images";
};

TEST_F(Store, StandsInTheDataHome) {
  EXPECT_EQ(store_directory(), store_);
  const TestVariable unset("XDG_DATA_HOME", "");
  const TestVariable home("HOME", "/home/user");
  EXPECT_EQ(store_directory(), "/home/user/.local/share/strata/images");
  const TestVariable no_home("HOME", "");
  EXPECT_FALSE(store_directory());
}

TEST_F(Store, PublishesAndFinds) {
  add("debian:trixie");
  const auto image = find("debian:trixie");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->info.name, "debian:trixie");
  EXPECT_EQ(image->info.suite, "trixie");
  EXPECT_EQ(image->info.disk_bytes, 4096u);
  EXPECT_GT(image->info.stored_bytes, 0u);
  EXPECT_EQ(read_file(image->kernel), "debian:trixie");
  EXPECT_THAT(entries(), ElementsAre("debian:trixie"));
}

TEST_F(Store, KeepsAnImageUnlessToldToReplaceIt) {
  add("a");
  auto staging = stage_image("a");
  fill(*staging, "new");
  const auto published = publish_image(*staging, "a", false);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, ErrorCode::already_exists);
  EXPECT_EQ(read_file(find("a")->kernel), "a");
  ASSERT_TRUE(publish_image(*staging, "a", true));
  EXPECT_EQ(read_file(find("a")->kernel), "new");
  EXPECT_THAT(entries(), ElementsAre("a"));
}

TEST_F(Store, NeverShowsABuildUnderWay) {
  const auto staging = stage_image("a");
  fill(*staging, "half");
  EXPECT_THAT(*list(), IsEmpty());
  EXPECT_FALSE(find(staging->directory().filename().string()));
  EXPECT_FALSE(find("a"));
}

TEST_F(Store, LeavesNothingOfABuildThatFails) {
  fs::path temporary;
  {
    auto staging = stage_image("a");
    ASSERT_TRUE(staging->make_temporary());
    temporary = staging->temporary();
    EXPECT_TRUE(fs::exists(temporary));
  }
  EXPECT_FALSE(fs::exists(temporary));
  EXPECT_THAT(entries(), IsEmpty());
}

TEST_F(Store, SweepsDeadBuildersOnly) {
  const auto live = stage_image("live");
  write_file(store_ / ".building-dead-123456/tree/file", "left");
  fs::permissions(store_ / ".building-dead-123456/tree", fs::perms::none);
  const fs::path temporary = folder_.path / "strata-image-dead";
  write_file(temporary / "file", "left");
  fs::create_symlink(temporary, store_ / ".building-dead-123456/.temporary");
  const auto another = stage_image("another");
  EXPECT_FALSE(fs::exists(temporary));
  EXPECT_FALSE(fs::exists(store_ / ".building-dead-123456"));
  EXPECT_TRUE(fs::exists(live->directory()));
}

TEST_F(Store, RemovesNothingThatIsMounted) {
  const fs::path tree = folder_.path / "tree";
  write_file(tree / "mounted/file", "");
  // In a mount namespace of this process, so that nothing stays mounted whatever happens.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    GTEST_SKIP() << "this user may not mount here";
  ASSERT_EQ(::mount("none", (tree / "mounted").c_str(), "tmpfs", 0, nullptr), 0);
  write_file(tree / "mounted/kept", "");
  remove_tree(tree);
  EXPECT_TRUE(fs::exists(tree / "mounted/kept"));
  ASSERT_EQ(::umount((tree / "mounted").c_str()), 0);
  remove_tree(tree);
  EXPECT_FALSE(fs::exists(tree));
}

TEST_F(Store, ListsByName) {
  add("debian:trixie");
  add("debian:bookworm-i386");
  const auto images = list();
  ASSERT_EQ(images->size(), 2u);
  EXPECT_EQ((*images)[0].name, "debian:bookworm-i386");
  EXPECT_EQ((*images)[1].name, "debian:trixie");
}

TEST_F(Store, ListsNothingWhereThereIsNoStore) { EXPECT_THAT(*list(), IsEmpty()); }

TEST_F(Store, Removes) {
  add("a");
  ASSERT_TRUE(remove("a"));
  EXPECT_THAT(entries(), IsEmpty());
  const auto again = remove("a");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::not_found);
}

TEST_F(Store, RefusesNamesThatAreNone) {
  add("a");
  for (const char* name : {"", ".", "..", "../a", "/etc", ".building-a", "a:b:c", "a b", "a\n", "-a", "\xff"}) {
    const auto removed = remove(name);
    ASSERT_FALSE(removed) << name;
    EXPECT_EQ(removed.error().code, ErrorCode::usage);
  }
}

TEST_F(Store, SaysThatAnImageIsDamaged) {
  for (const char* json :
       {"", "{", "[]", "{}", "null", R"({"suite": 3})", R"({"suite": "trixie", "disk_bytes": -1})"}) {
    write_file(store_ / "a" / info_file, json);
    const auto image = find("a");
    ASSERT_FALSE(image) << json;
    EXPECT_EQ(image.error().code, ErrorCode::bad_data);
    EXPECT_THAT(image.error().message, HasSubstr("image.json"));
  }
  EXPECT_THAT(*list(), IsEmpty());
  EXPECT_TRUE(remove("a"));
}

}  // namespace
}  // namespace strata::image

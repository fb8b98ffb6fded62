// Where a user's folders are found, and files that are replaced whole.
#include "base/user_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace strata {
namespace {
namespace fs = std::filesystem;

class UserFolders : public testing::Test {
 protected:
  UserFolders() {
    std::string pattern = testing::TempDir() + "strata-folders-XXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~UserFolders() override { fs::remove_all(root_); }

  static std::string content_of(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  fs::path root_;
};

TEST_F(UserFolders, DataFolderFollowsTheEnvironment) {
  setenv("XDG_DATA_HOME", "/some/data", 1);
  EXPECT_EQ(data_folder().value(), "/some/data/strata");
  setenv("XDG_DATA_HOME", "relative", 1);  // not a full path: as if it were not set
  setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(data_folder().value(), "/home/someone/.local/share/strata");
}

TEST_F(UserFolders, RuntimeFolderIsPrivate) {
  setenv("XDG_RUNTIME_DIR", (root_ / "deep/run").c_str(), 1);
  const fs::path folder = runtime_folder().value();
  EXPECT_EQ(folder, root_ / "deep/run/strata");
  struct stat about = {};
  ASSERT_EQ(stat(folder.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
}

TEST_F(UserFolders, WithoutRuntimeDirectoryItIsAmongTheData) {
  if (fs::exists("/run/user/" + std::to_string(geteuid()))) GTEST_SKIP() << "this user has a runtime directory";
  unsetenv("XDG_RUNTIME_DIR");
  setenv("XDG_DATA_HOME", root_.c_str(), 1);
  EXPECT_EQ(runtime_folder().value(), root_ / "strata/run");
}

TEST_F(UserFolders, RuntimeFolderThatIsALinkIsRefused) {
  setenv("XDG_RUNTIME_DIR", root_.c_str(), 1);
  fs::create_directory_symlink("/usr", root_ / "strata");
  const auto folder = runtime_folder();
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, testing::HasSubstr("XDG_RUNTIME_DIR"));
}

TEST_F(UserFolders, WrittenFileReplacesTheOldOneOrNothing) {
  const fs::path path = root_ / "file";
  ASSERT_TRUE(write_durably(path, "one"));
  ASSERT_TRUE(write_durably(path, "two"));
  EXPECT_EQ(content_of(path), "two");
  EXPECT_FALSE(fs::exists(root_ / "file.new"));

  { ASSERT_TRUE(StagedFile::write(path, "never published")); }
  EXPECT_EQ(content_of(path), "two");
  EXPECT_FALSE(fs::exists(root_ / "file.new"));

  fs::create_directory(root_ / "file.new");  // in the way of the next one
  EXPECT_FALSE(write_durably(path, "three"));
  EXPECT_EQ(content_of(path), "two");
}

}  // namespace
}  // namespace strata

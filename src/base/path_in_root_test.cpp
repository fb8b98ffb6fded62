// Tests that paths stay inside the root.
#include "base/path_in_root.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

namespace strata {
namespace {

namespace fs = std::filesystem;

class PathInRoot : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "root/in");
    fs::create_directories(folder_ / "outside");
    root_.reset(::open((folder_ / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(root_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_ = fs::path(testing::TempDir()) / ("path_in_root." + std::to_string(::getpid()));
  UniqueFd root_;
};

TEST_F(PathInRoot, DirectoriesAreMade) {
  ASSERT_TRUE(make_directory_in_root(root_.get(), "/in/a//b/./c/"));
  EXPECT_TRUE(fs::is_directory(folder_ / "root/in/a/b/c"));
  ASSERT_TRUE(make_directory_in_root(root_.get(), "relative"));
  EXPECT_TRUE(fs::is_directory(folder_ / "root/relative"));
  ASSERT_TRUE(make_directory_in_root(root_.get(), "/"));
}

TEST_F(PathInRoot, FilesAreMade) {
  ASSERT_TRUE(make_file_in_root(root_.get(), "/new/file"));
  EXPECT_TRUE(fs::is_regular_file(folder_ / "root/new/file"));
  for (const char* none : {"", "/", "/in/..", "."}) EXPECT_FALSE(make_parent_in_root(root_.get(), none)) << none;
}

TEST_F(PathInRoot, LinksAndDotsStayInside) {
  fs::create_directory_symlink(folder_ / "outside", folder_ / "root/link");
  fs::create_directory_symlink("../../../../../..", folder_ / "root/up");
  EXPECT_FALSE(make_directory_in_root(root_.get(), "/link/made"));  // there is no such folder inside of the root
  EXPECT_TRUE(make_directory_in_root(root_.get(), "/up/made"));
  EXPECT_TRUE(make_directory_in_root(root_.get(), "/../../dots"));
  EXPECT_TRUE(fs::is_empty(folder_ / "outside"));
  EXPECT_TRUE(fs::is_directory(folder_ / "root/made"));
  EXPECT_TRUE(fs::is_directory(folder_ / "root/dots"));
}

TEST_F(PathInRoot, LinksOfProcLeadNowhere) {
  fs::create_symlink("/proc/self/fd/0", folder_ / "root/magic");
  EXPECT_FALSE(open_in_root(root_.get(), "/magic", O_PATH));
}

}  // namespace
}  // namespace strata

// What users and groups come to, by files that may hold anything.
#include "container/process/user_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace strata::container {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class UserLookup : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "user_lookup.XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    root = folder;
    std::filesystem::create_directory(root + "/etc");
    write("passwd", "broken\nroot:x:0:0::/root:/bin/sh\nann:x:1000:100::/home/ann:\n77:x:5:6\nlate:x:x:1::/:\n");
    write("group", "root:x:0:\nusers:x:100:ann\naudio:x:29:bob,ann\nbad:x:y:ann\nvideo:x:44:anna\n");
  }
  void TearDown() override { std::filesystem::remove_all(root); }

  void write(const char* name, const std::string& text) { std::ofstream(root + "/etc/" + name) << text; }

  Result<User> find(const std::string& name) {
    User user{.name = name};
    STRATA_TRY(find_user(user, root));
    return user;
  }

  std::string root;
};

TEST_F(UserLookup, NamesHaveTheirGroups) {
  const auto ann = find("ann");
  ASSERT_TRUE(ann);
  EXPECT_EQ(ann->uid, 1000U);
  EXPECT_EQ(ann->gid, 100U);
  EXPECT_THAT(ann->additional_gids, ElementsAre(100, 29));
}

TEST_F(UserLookup, NumbersAreFoundToo) {
  EXPECT_THAT(find("1000")->additional_gids, ElementsAre(100, 29));
  EXPECT_EQ(find("4711")->uid, 4711U);
  EXPECT_EQ(find("4711")->gid, 0U);
}

TEST_F(UserLookup, ANameOfDigitsIsAName) { EXPECT_EQ(find("77")->uid, 5U); }

TEST_F(UserLookup, AGivenGroupIsTheOnlyOne) {
  const auto ann = find("ann:audio");
  ASSERT_TRUE(ann);
  EXPECT_EQ(ann->gid, 29U);
  EXPECT_THAT(ann->additional_gids, IsEmpty());
  EXPECT_EQ(find("5:6")->gid, 6U);
}

TEST_F(UserLookup, WhatIsNotThereIsNamed) {
  EXPECT_EQ(find("eve").error().message, "there is no user 'eve' in the container's /etc/passwd");
  EXPECT_EQ(find("ann:eves").error().message, "there is no group 'eves' in the container's /etc/group");
  EXPECT_FALSE(find("-1"));
  EXPECT_FALSE(find("4294967296"));
  EXPECT_FALSE(find(":users"));
}

TEST_F(UserLookup, FilesThatAreNone) {
  for (const char* name : {"passwd", "group"}) {
    std::filesystem::remove(root + "/etc/" + name);
    ASSERT_EQ(::mkfifo((root + "/etc/" + name).c_str(), 0600), 0);
  }
  EXPECT_FALSE(find("ann"));
  EXPECT_EQ(find("0")->uid, 0U);
  EXPECT_EQ(home_of(0, root), "/root");
}

TEST_F(UserLookup, Homes) {
  EXPECT_EQ(home_of(1000, root), "/home/ann");
  EXPECT_EQ(home_of(5, root), "/");
}

}  // namespace
}  // namespace strata::container

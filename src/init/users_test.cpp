// Tests of who a program runs as.
#include "init/users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

namespace strata::init {
namespace {

constexpr std::string_view passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "damaged\n"
    "web:x:33:34:web,,,:/var/www:/usr/sbin/nologin\n"
    "7:x:70:71::/seven:/bin/sh\n"
    "homeless:x:90:90:::\n";
constexpr std::string_view group =
    "root:x:0:\n"
    "web:x:34:web\n"
    "tty:x:5:root,web\n"
    "audio:x:29:webber,web\n"
    "bad:x:no:web\n";

void expect(std::string_view wanted, std::uint32_t user, std::uint32_t group_id, std::string_view home) {
  SCOPED_TRACE(wanted);
  const auto identity = find_identity(wanted, passwd, group);
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->user, user);
  EXPECT_EQ(identity->group, group_id);
  EXPECT_EQ(identity->home, home);
}

TEST(Identity, NamesAndNumbers) {
  expect("", 0, 0, "/root");
  expect("root", 0, 0, "/root");
  expect("web", 33, 34, "/var/www");
  expect("33", 33, 34, "/var/www");
  expect("33:tty", 33, 5, "/var/www");
  expect("web:1234", 33, 1234, "/var/www");
  expect("4000", 4000, 0, "/");
  expect("4000:4001", 4000, 4001, "/");
  expect("homeless", 90, 90, "/");
}

TEST(Identity, OtherGroupsComeWithTheUserUnlessAGroupIsNamed) {
  const auto web = find_identity("web", passwd, group);
  ASSERT_TRUE(web);
  EXPECT_THAT(std::span(web->groups, web->group_count), testing::ElementsAre(5, 29));
  EXPECT_EQ(find_identity("web:tty", passwd, group)->group_count, 0U);
  EXPECT_EQ(find_identity("4000", passwd, group)->group_count, 0U);
}

TEST(Identity, StrangersAreRefused) {
  EXPECT_FALSE(find_identity("nobody", passwd, group));
  EXPECT_FALSE(find_identity("web:nogroup", passwd, group));
  EXPECT_FALSE(find_identity("99999999999", passwd, group));
  EXPECT_FALSE(find_identity("-1", passwd, group));
}

TEST(Identity, AnImageMayHaveNoUsersAtAll) {
  const auto root = find_identity("", "", "");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->user, 0U);
  EXPECT_EQ(root->home, "/");
  EXPECT_FALSE(find_identity("web", "", ""));
}

}  // namespace
}  // namespace strata::init

// Tests of names: what is one, what is stored, and that no folder stands for two.
#include "image/names.h"

#include <gtest/gtest.h>

namespace strata::image {
namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

TEST(Names, HaveARepositoryATagAndADigest) {
  const auto name = parse_name("localhost:5000/team/app:1.0");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->repository, "localhost:5000/team/app");
  EXPECT_EQ(name->tag, "1.0");
  EXPECT_FALSE(name->digest);
  const auto pinned = parse_name("app@" + digest);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(pinned->digest, digest);
  EXPECT_EQ(pinned->tag, "");
}

TEST(Names, WithoutTagAreLatest) {
  EXPECT_EQ(parse_name("app")->tag, "latest");
  EXPECT_EQ(parse_name("app:latest")->text(), "app");
  EXPECT_EQ(parse_name("localhost:5000/app")->text(), "localhost:5000/app");
}

TEST(Names, AreOneComponentOfAPathAndComeBack) {
  for (const std::string& name : {std::string("debian:trixie"), std::string("localhost:5000/a/b:1"), "a/b@" + digest}) {
    const std::string folder = folder_of_name(name);
    EXPECT_EQ(folder.find('/'), std::string::npos);
    EXPECT_EQ(name_of_folder(folder), name);
  }
  EXPECT_EQ(folder_of_name("a/b"), "a%2Fb");
  EXPECT_FALSE(name_of_folder(".building-a-123456"));
  EXPECT_FALSE(name_of_folder("a%2fb"));
  EXPECT_FALSE(name_of_folder("web:latest"));  // that name's folder is "web"
}

TEST(Names, RefusesWhatIsNone) {
  for (const std::string name :
       {"",   ".",     "..",  "../x", "/x",    "x/",        "a//b",        "a/../b",      "-a", ":a",
        "a:", "a:b:c", "a b", "a\nb", "a%2Fb", "a/.hidden", "host:port/a", "a@sha256:12", "a@", "ä"})
    EXPECT_FALSE(parse_name(name)) << name;
  EXPECT_FALSE(parse_name(std::string(241, 'a')));
  EXPECT_FALSE(parse_name("a:" + std::string(129, 'a')));
}

}  // namespace
}  // namespace strata::image

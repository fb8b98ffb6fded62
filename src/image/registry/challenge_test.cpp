// Tests of parsing challenges.
#include "image/registry/challenge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strata::image {
namespace {

using testing::ElementsAre;

TEST(Challenge, AsRegistriesSendIt) {
  EXPECT_THAT(
      parse_challenges(
          R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push")"),
      ElementsAre(Challenge{"bearer",
                            {{"realm", "https://auth.docker.io/token"},
                             {"service", "registry.docker.io"},
                             {"scope", "repository:a/b:pull,push"}}}));
  EXPECT_THAT(parse_challenges(R"(Basic realm="Registry Realm")"),
              ElementsAre(Challenge{"basic", {{"realm", "Registry Realm"}}}));
}

TEST(Challenge, SeveralInOneHeader) {
  EXPECT_THAT(parse_challenges(R"(Negotiate, BASIC Realm = "a \"b\"" ,Bearer realm=https://x/t , service="s")"),
              ElementsAre(Challenge{"negotiate", {}}, Challenge{"basic", {{"realm", "a \"b\""}}},
                          Challenge{"bearer", {{"realm", "https://x/t"}, {"service", "s"}}}));
}

TEST(Challenge, Rubbish) {
  EXPECT_TRUE(parse_challenges("").empty());
  EXPECT_TRUE(parse_challenges(" ,,=\"").empty());
  EXPECT_THAT(parse_challenges("Bearer realm=\"never closed\\"),
              ElementsAre(Challenge{"bearer", {{"realm", "never closed"}}}));
  EXPECT_EQ(parse_challenges("Bearer realm").back().parameter("realm"), "");
}

}  // namespace
}  // namespace strata::image

// Tests of what can be built, and of what is said about what cannot.
#include "image/recipe.h"

#include "image/image.h"

#include <gmock/gmock.h>

namespace strata::image {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Recipe, NamesImages) {
  EXPECT_EQ(name_of_build("debian:trixie", "amd64"), "debian:trixie");
  EXPECT_EQ(name_of_build("debian:bookworm", "i386"), "debian:bookworm-i386");
}

TEST(Recipe, PicksTheKernelOfTheArchitecture) {
  EXPECT_EQ(find_recipe("debian:bookworm", "i386")->kernel_package, "linux-image-686-pae");
  EXPECT_EQ(find_recipe("debian:sid", "amd64")->kernel_package, "linux-image-cloud-amd64");
  EXPECT_FALSE(find_recipe("debian:sid", "amd64")->has_updates);
}

TEST(Recipe, RefusesWhatIsNoSource) {
  for (const char* source :
       {"", "debian", "debian:", "debian:trixy", "ubuntu:noble", "trixie", "debian:trixie/..", "debian:trixie "}) {
    const auto recipe = find_recipe(source, "amd64");
    ASSERT_FALSE(recipe) << source;
    EXPECT_EQ(recipe.error().code, ErrorCode::usage);
    EXPECT_THAT(recipe.error().message, AllOf(HasSubstr(source), HasSubstr("debian:trixie, debian:forky"))) << source;
  }
}

TEST(Recipe, SaysWhichArchitecturesASuiteHas) {
  const auto recipe = find_recipe("debian:trixie", "i386");
  ASSERT_FALSE(recipe);
  EXPECT_EQ(recipe.error().code, ErrorCode::usage);
  EXPECT_EQ(recipe.error().message, "cannot build debian:trixie for 'i386': it has a kernel for amd64");
}

}  // namespace
}  // namespace strata::image

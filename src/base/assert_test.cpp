// Tests that a failed assertion says what and where, and stops.
#include "base/assert.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

TEST(AssertDeathTest, SaysConditionPlaceAndExplanation) {
  EXPECT_DEATH(STRATA_ASSERT(1 + 1 == 3), "bug at .*assert_test.cpp:[0-9]+: assertion failed: 1 \\+ 1 == 3");
  EXPECT_DEATH(STRATA_ASSERT(false, "because"), "assertion failed: false: because");
}

TEST(Assert, HoldsQuietly) { STRATA_ASSERT(2 > 1, "sums"); }

}  // namespace
}  // namespace strata

// Flags computed in C++ and flags taken from the host agree: for all bytes, and for edges of the other widths.
#include <gtest/gtest.h>

#include "codegen/interp/host_flags.h"
#include "codegen/interp/reference_test.h"

namespace strata::codegen::interp {
namespace {

template <class T>
void expect_same(T a, T b) {
  ASSERT_EQ(host::flags_of_sum(a, b), flags_of_add(a, b, false)) << +a << " " << +b;
  ASSERT_EQ(host::flags_of_difference(a, b), flags_of_sub(a, b, false)) << +a << " " << +b;
}

TEST(HostFlags, AllBytes) {
  if (!host::has_flags()) GTEST_SKIP() << "this processor has no LAHF in 64-bit code";
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) expect_same(static_cast<uint8_t>(a), static_cast<uint8_t>(b));
  }
}

TEST(HostFlags, WiderNumbers) {
  if (!host::has_flags()) GTEST_SKIP() << "this processor has no LAHF in 64-bit code";
  std::mt19937_64 random(3);
  for (unsigned round = 0; round < 20'000; ++round) {
    const uint64_t a = edgy(random), b = random() % 8 == 0 ? a : edgy(random);
    expect_same(static_cast<uint16_t>(a), static_cast<uint16_t>(b));
    expect_same(static_cast<uint32_t>(a), static_cast<uint32_t>(b));
    expect_same(a, b);
  }
}

}  // namespace
}  // namespace strata::codegen::interp

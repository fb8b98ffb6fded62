// Tests of bit fields, alignment and byte order.
#include "base/bits.h"

#include <gtest/gtest.h>

#include <array>

namespace strata {
namespace {

TEST(Bits, LowMaskCoversBothEnds) {
  EXPECT_EQ(low_mask(0), 0u);
  EXPECT_EQ(low_mask(12), 0xfffu);
  EXPECT_EQ(low_mask(64), ~std::uint64_t{0});
}

TEST(Bits, ExtractAndInsertAreInverse) {
  EXPECT_EQ(extract_bits(0xabcd1234, 8, 12), 0xd12u);
  EXPECT_EQ(insert_bits(0xabcd1234, 8, 12, 0xfff), 0xabcfff34u);
  EXPECT_EQ(insert_bits(0, 60, 4, 0xff), 0xf000000000000000u);
  EXPECT_EQ(extract_bits(~std::uint64_t{0}, 0, 64), ~std::uint64_t{0});
  EXPECT_EQ(extract_bits(~std::uint64_t{0}, 64, 1), 0u);
  EXPECT_EQ(insert_bits(7, 64, 1, 1), 7u);
}

TEST(Bits, TestBit) {
  EXPECT_TRUE(test_bit(0x8000000000000000, 63));
  EXPECT_FALSE(test_bit(0x8000000000000000, 62));
  EXPECT_FALSE(test_bit(~std::uint64_t{0}, 64));
}

TEST(Bits, GatherAndScatter) {
  EXPECT_EQ(gather_bits(0xabcd, 0x0f0f), 0xbdu);
  EXPECT_EQ(scatter_bits(0xbd, 0x0f0f), 0x0b0du);
  EXPECT_EQ(gather_bits(~std::uint64_t{0}, 0x8000000000000001), 3u);
  EXPECT_EQ(scatter_bits(2, 0x8000000000000001), 0x8000000000000000u);
  EXPECT_EQ(gather_bits(1, 0), 0u);
  EXPECT_EQ(gather_bits(scatter_bits(0x1234, 0x5555555555555555), 0x5555555555555555), 0x1234u);
}

TEST(Bits, SignExtend) {
  static_assert(sign_extend<8>(0x80) == -128);
  EXPECT_EQ(sign_extend(0x7f, 8), 127);
  EXPECT_EQ(sign_extend(0xff80, 8), -128);
  EXPECT_EQ(sign_extend(1, 1), -1);
  EXPECT_EQ(sign_extend(0x8000000000000000, 64), INT64_MIN);
}

TEST(Bits, Alignment) {
  EXPECT_EQ(align_down(0x1fffu, 0x1000), 0x1000u);
  EXPECT_EQ(align_up(0x1001u, 0x1000), 0x2000u);
  EXPECT_EQ(align_up(0x1000u, 0x1000), 0x1000u);
  EXPECT_EQ(align_up(std::uint64_t{0xffffffff}, 0x1000), 0x100000000u);
  EXPECT_TRUE(is_aligned(0x3000u, 0x1000));
  EXPECT_FALSE(is_aligned(0x3001u, 2));
  EXPECT_TRUE(is_power_of_two(4096u));
  EXPECT_FALSE(is_power_of_two(0u));
}

TEST(Bits, LoadsAndStoresKeepTheByteOrder) {
  std::array<std::uint8_t, 9> bytes{};
  store_le<std::uint32_t>(&bytes[1], 0x11223344);
  EXPECT_EQ(bytes[1], 0x44);
  EXPECT_EQ(bytes[4], 0x11);
  EXPECT_EQ(load_le<std::uint32_t>(&bytes[1]), 0x11223344u);
  EXPECT_EQ(load_be<std::uint32_t>(&bytes[1]), 0x44332211u);
  store_be<std::uint64_t>(&bytes[1], 0x0102030405060708);
  EXPECT_EQ(bytes[1], 1);
  EXPECT_EQ(bytes[8], 8);
  EXPECT_EQ(load_be<std::int16_t>(&bytes[1]), 0x0102);
}

}  // namespace
}  // namespace strata

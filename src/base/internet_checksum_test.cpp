// The checksum against the sum done as RFC 1071 writes it.
#include "base/internet_checksum.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace strata {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> numbers) {
  std::vector<std::byte> bytes;
  for (const int number : numbers) bytes.push_back(static_cast<std::byte>(number));
  return bytes;
}

uint16_t plain_sum(std::span<const std::byte> bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += std::to_integer<uint64_t>(bytes[i]) << (i % 2 ? 0 : 8);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

TEST(InternetChecksum, IsThatOfRfc1071) {
  const auto bytes = bytes_of({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7});
  EXPECT_EQ(internet_checksum(bytes), static_cast<uint16_t>(~0xddf2));
  EXPECT_EQ(internet_checksum({}), 0xffff);
  EXPECT_EQ(internet_checksum(std::span(bytes).first(7)), static_cast<uint16_t>(~(0xddf2 - 0xf7)));
  EXPECT_EQ(internet_checksum(std::vector(65550, std::byte{0xff})), 0);
}

TEST(InternetChecksum, AgreesWithThePlainSumAtEveryLength) {
  std::mt19937 random(1);
  std::vector<std::byte> bytes(300);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  for (size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(internet_sum(std::span(bytes).first(size)), plain_sum(std::span(bytes).first(size))) << size;
  }
}

TEST(InternetChecksum, GoesOnFromASumBefore) {
  const auto bytes = bytes_of({1, 2, 3, 4, 5, 6, 0xff, 0xfe, 9});
  EXPECT_EQ(internet_sum(std::span(bytes).subspan(4), internet_sum(std::span(bytes).first(4))), internet_sum(bytes));
}

}  // namespace
}  // namespace strata

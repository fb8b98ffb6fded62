// Capture files, block by block; that Wireshark's own reader takes them is for tests/network to show.
#include "network/switch/pcapng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace strata::network {
namespace {

uint32_t word(const std::vector<std::byte>& file, size_t offset) {
  uint32_t value = 0;
  std::memcpy(&value, &file.at(offset), sizeof value);
  return value;
}

/// The types of the blocks; fails unless they fill the file and each ends with its length again.
std::vector<uint32_t> block_types(const std::vector<std::byte>& file) {
  std::vector<uint32_t> types;
  for (size_t at = 0; at < file.size();) {
    const uint32_t length = word(file, at + 4);
    EXPECT_EQ(length % 4, 0u);
    EXPECT_EQ(word(file, at + length - 4), length);
    types.push_back(word(file, at));
    at += length;
  }
  return types;
}

TEST(Pcapng, BlocksOfAnyFrameSizeAreWhole) {
  for (size_t size = 0; size < 70; ++size) {
    std::vector<std::byte> file;
    PcapngWriter writer(file);
    const std::vector<std::byte> frame(size, std::byte{0xab});
    writer.section("strata");
    writer.interface("p1", "a port", 0);
    writer.frame({0, 1'700'000'000'123'456'789, CaptureDirection::in, frame, static_cast<uint32_t>(size)});
    writer.statistics(0, 1'700'000'000'123'456'789, 1, 0);
    EXPECT_THAT(block_types(file), testing::ElementsAre(0x0a0d0d0a, 1, 6, 5));
  }
}

TEST(Pcapng, FrameCarriesStampSizeAndDirection) {
  std::vector<std::byte> file;
  PcapngWriter writer(file);
  const std::vector<std::byte> frame(14, std::byte{1});
  writer.frame({3, 0x1122334455667788, CaptureDirection::out, frame, 1500});
  EXPECT_EQ(word(file, 8), 3u);
  EXPECT_EQ(word(file, 12), 0x11223344u);
  EXPECT_EQ(word(file, 16), 0x55667788u);
  EXPECT_EQ(word(file, 20), 14u);
  EXPECT_EQ(word(file, 24), 1500u);
  EXPECT_EQ(word(file, 28 + 16), 2u | 4u << 16);  // epb_flags, four bytes
  EXPECT_EQ(word(file, 28 + 20), 2u);             // outbound
}

}  // namespace
}  // namespace strata::network

// The bytes of records that host code reads.
#include "codegen/x64/exit_place.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace strata::codegen::x64 {
namespace {

TEST(ExitPlace, StandsAsTheThunkReadsIt) {
  ExitPlace place;
  place.first_step = 0x2a'aaaa;
  place.space = 2;
  place.value = 15;
  place.way = ExitPlace::Way::leave;
  place.pages = 0x13;
  place.access = {.displacement = -3, .resume = 0x123456, .address = 0xd, .last = 0xe};
  std::array<uint8_t, sizeof place> bytes;
  std::memcpy(bytes.data(), &place, sizeof place);
  EXPECT_EQ(bytes[ExitPlace::space_byte] >> 6, 2);
  EXPECT_EQ(bytes[ExitPlace::way_byte], 0x13 << 3 | static_cast<uint8_t>(ExitPlace::Way::leave));
  EXPECT_EQ(bytes[ExitPlace::address_byte], 0xed);
  int32_t displacement = 0;
  uint32_t resume = 0;
  std::memcpy(&displacement, &bytes[ExitPlace::displacement_word], sizeof displacement);
  std::memcpy(&resume, &bytes[ExitPlace::resume_word], sizeof resume);
  EXPECT_EQ(displacement, -3);
  EXPECT_EQ(resume & 0xff'ffff, 0x123456u);
}

}  // namespace
}  // namespace strata::codegen::x64

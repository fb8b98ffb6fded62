// Saved state survives the way there and back, and says what is wrong with damaged blobs.
#include "devices/saved_state.h"

#include <gtest/gtest.h>

namespace strata::devices {
namespace {

enum class Colour : uint8_t { red, green };

std::vector<std::byte> sample() {
  Writer out;
  out.enter("outer", 2);
  out.put(uint8_t{1}, int32_t{-2}, uint64_t{3}, true, Colour::green, std::array<uint16_t, 2>{4, 5});
  out.enter("inner", 1);
  out.put_block(std::as_bytes(std::span("abc", 3)));
  out.leave();
  out.leave();
  return out.take();
}

Result<void> read_sample(std::span<const std::byte> blob) {
  Reader in(blob);
  STRATA_TRY(in.enter("outer", 2));
  const auto a = in.get<uint8_t>();
  const auto b = in.get<int32_t>();
  const auto c = in.get<uint64_t>();
  const auto d = in.get<bool>();
  const auto e = in.get<Colour>();
  std::array<uint16_t, 2> f;
  in.get(f);
  STRATA_TRY(in.enter("inner", 1));
  const auto block = in.get_block(8);
  STRATA_TRY(in.leave());
  STRATA_TRY(in.leave());
  const bool same = a == 1 && b == -2 && c == 3 && d && e == Colour::green && f[0] == 4 && f[1] == 5 &&
                    block.size() == 3 && block[1] == std::byte{'b'} && in.at_end();
  if (!same) return fail("other values");
  return {};
}

TEST(SavedState, ComesBack) { EXPECT_TRUE(read_sample(sample())); }

TEST(SavedState, EveryTruncationIsAnError) {
  const auto blob = sample();
  for (size_t size = 0; size < blob.size(); ++size) EXPECT_FALSE(read_sample(std::span(blob).first(size))) << size;
}

TEST(SavedState, NewerVersionIsRefused) {
  Writer out;
  out.enter("pit", 3);
  out.leave();
  const auto blob = out.take();
  Reader in(blob);
  const auto version = in.enter("pit", 2);
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().message, "saved state of 'pit' has version 3, this Strata knows up to 2");
}

TEST(SavedState, OtherSectionIsRefused) {
  Writer out;
  out.enter("rtc", 1);
  out.leave();
  const auto blob = out.take();
  Reader in(blob);
  const auto version = in.enter("pit", 1);
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().message, "saved state has 'rtc' where 'pit' should be");
}

TEST(SavedState, LeftOverContentsAreRefused) {
  Writer out;
  out.enter("pit", 1);
  out.put(uint32_t{0});
  out.leave();
  const auto blob = out.take();
  Reader in(blob);
  ASSERT_TRUE(in.enter("pit", 1));
  const auto left = in.leave();
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().message, "saved state of 'pit' is damaged: 4 bytes too many");
}

TEST(SavedState, BlocksAreBounded) {
  Writer out;
  out.enter("x", 1);
  out.put(~uint64_t{0});
  out.leave();
  const auto blob = out.take();
  Reader in(blob);
  ASSERT_TRUE(in.enter("x", 1));
  EXPECT_TRUE(in.get_block(1 << 20).empty());
  EXPECT_FALSE(in.leave());
}

}  // namespace
}  // namespace strata::devices

// Frames: tags beside shared octets, flattening, offsets, and the pool's bounds.
#include "network/bridge/frame.h"

#include <gtest/gtest.h>

#include "network/bridge/test_switch.h"

namespace strata::network::bridge {
namespace {

constexpr MacAddress a(0x020000000001), b(0x020000000002);

Octets octets_of(const Frame& frame) {
  Octets octets(frame.size());
  frame.copy_to(octets);
  return octets;
}

TEST(Frame, HandlesThatShareOctetsHaveTagsOfTheirOwn) {
  FramePool pool;
  Frame frame = pool.copy(frame_of(a, b, Tag{.vid = 10}));
  frame.strip_tag();
  Frame other = frame.share();
  other.push_tag({.type = TagType::s_vlan, .vid = 20, .priority = 3});
  EXPECT_EQ(octets_of(frame), frame_of(a, b));
  EXPECT_EQ(octets_of(other), frame_of(a, b, Tag{.type = TagType::s_vlan, .vid = 20, .priority = 3}));
  EXPECT_EQ(pool.frames_in_use(), 1U);
}

TEST(Frame, FlattensInPlaceWhereNobodyShares) {
  FramePool pool;
  Frame frame = pool.copy(frame_of(a, b));
  const std::byte* const before = frame.stored().data();
  frame.push_tag({.vid = 7});
  ASSERT_TRUE(frame.flatten());
  EXPECT_EQ(frame.stored().data(), before - Tag::size);
  EXPECT_EQ(octets_of(frame), frame_of(a, b, Tag{.vid = 7}));
  frame.strip_tag();
  ASSERT_TRUE(frame.flatten());
  EXPECT_EQ(octets_of(frame), frame_of(a, b));
}

TEST(Frame, FlattensIntoACopyWhereOthersShare) {
  FramePool pool;
  Frame frame = pool.copy(frame_of(a, b));
  const Frame other = frame.share();
  frame.push_tag({.vid = 7});
  ASSERT_TRUE(frame.flatten());
  EXPECT_EQ(octets_of(frame), frame_of(a, b, Tag{.vid = 7}));
  EXPECT_EQ(octets_of(other), frame_of(a, b));
  EXPECT_EQ(pool.frames_in_use(), 2U);
}

// More tags than there is headroom for: the frame moves to another buffer.
TEST(Frame, FlattensManyTags) {
  FramePool pool;
  Frame frame = pool.copy(frame_of(a, b));
  for (Vid vid = 1; vid <= 100; ++vid) {
    frame.push_tag({.vid = vid});
    ASSERT_TRUE(frame.flatten());
  }
  EXPECT_EQ(frame.size(), 60U + 400U);
  EXPECT_EQ(load_be<std::uint16_t>(frame.stored().data() + 14), 100);
  EXPECT_EQ(load_be<std::uint16_t>(frame.stored().data() + 14 + 99 * 4), 1);
}

TEST(Frame, OffsetsMoveWithTheTag) {
  FramePool pool;
  Frame frame = pool.copy(frame_of(a, b));
  frame.set_offload({.needs_checksum = true, .header_length = 54, .checksum_start = 34, .checksum_offset = 16});
  frame.push_tag({.vid = 7});
  EXPECT_EQ(frame.offload().checksum_start, 38);
  EXPECT_EQ(frame.offload().header_length, 58);
  ASSERT_TRUE(frame.flatten());
  EXPECT_EQ(frame.offload().checksum_start, 38);
  frame.strip_tag();
  EXPECT_EQ(frame.offload().checksum_start, 34);
}

TEST(FramePool, HoldsFramesUpToItsLargest) {
  FramePool pool;
  for (const std::size_t size : {0UL, 1UL, 1928UL, 1929UL, 9608UL, 9609UL, FramePool::max_size}) {
    Frame frame = pool.make(size);
    ASSERT_TRUE(frame) << size;
    EXPECT_EQ(frame.fill().size(), size);
    std::fill(frame.fill().begin(), frame.fill().end(), std::byte{0xa5});
  }
  EXPECT_FALSE(pool.make(100'000));
  EXPECT_EQ(pool.frames_in_use(), 0U);
}

TEST(FramePool, TakesNoMoreThanItsShare) {
  FramePool pool(300'000);  // one slab of the small ones
  std::vector<Frame> frames;
  while (Frame frame = pool.make(64)) frames.push_back(std::move(frame));
  EXPECT_EQ(frames.size(), 128U);
  EXPECT_FALSE(pool.make(9000));
  frames.pop_back();
  EXPECT_TRUE(pool.make(64));
}

// What a full pool costs is the frame that needed a copy, no more.
TEST(FramePool, FlatteningFailsWithoutRoom) {
  FramePool pool(300'000);
  Frame frame = pool.copy(frame_of(a, b));
  const Frame other = frame.share();
  std::vector<Frame> frames;
  while (Frame more = pool.make(64)) frames.push_back(std::move(more));
  frame.push_tag({.vid = 7});
  EXPECT_FALSE(frame.flatten());
  EXPECT_EQ(octets_of(frame), frame_of(a, b, Tag{.vid = 7}));
}

}  // namespace
}  // namespace strata::network::bridge

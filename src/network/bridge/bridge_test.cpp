// The bridge by hand-made examples: operations that the conformance table (tests/network) has no words for.
#include "network/bridge/bridge.h"

#include <gtest/gtest.h>

#include "network/bridge/test_switch.h"

namespace strata::network::bridge {
namespace {

using namespace std::chrono_literals;

constexpr MacAddress a(0x020000000001), b(0x020000000002);

TEST(Bridge, FloodsThenLearns) {
  TestSwitch test;
  const auto p1 = test.add(access_port("p1", 10)), p2 = test.add(access_port("p2", 10)),
             p3 = test.add(access_port("p3", 10));
  test.receive(p1, frame_of(b, a));
  EXPECT_EQ(test.take(p2).size(), 1U);
  EXPECT_EQ(test.take(p3).size(), 1U);
  test.receive(p2, frame_of(a, b));
  EXPECT_EQ(test.take(p1).size(), 1U);
  EXPECT_EQ(test.take(p3).size(), 0U);
}

TEST(Bridge, FloodSharesOneBufferUnderDifferentTags) {
  TestSwitch test;
  const auto in = test.add(trunk_port("in", VlanSet{10})), access = test.add(access_port("p", 10)),
             trunk = test.add(trunk_port("t", VlanSet{10}));
  const auto tagged = frame_of(b, a, Tag{.vid = 10, .priority = 5});
  test.receive(in, tagged);
  EXPECT_EQ(test.pool.frames_in_use(), 1U);
  EXPECT_EQ(test.take(access), FrameList{frame_of(b, a)});
  EXPECT_EQ(test.take(trunk), FrameList{tagged});
  EXPECT_EQ(test.pool.frames_in_use(), 0U);
}

TEST(Bridge, MovingAPortLosesNoFrameOfOtherVlans) {
  TestSwitch test;
  const auto in = test.add(trunk_port("in", VlanSet{10, 20, 30})), out = test.add(trunk_port("out", VlanSet{10, 20}));
  test.receive(in, frame_of(b, a, Tag{.vid = 10}));
  test.receive(in, frame_of(b, a, Tag{.vid = 20}));
  ASSERT_TRUE(test.bridge->reconfigure(out, trunk_port("out", VlanSet{10, 30}), test.now));
  EXPECT_EQ(test.take(out), FrameList{frame_of(b, a, Tag{.vid = 10})});
  EXPECT_EQ(test.bridge->counters(out).dropped(Drop::not_member), 1U);
}

TEST(Bridge, WhatTheSinkLeavesStaysInOrder) {
  TestSwitch test;
  const auto in = test.add(trunk_port("in", VlanSet{10})), out = test.add(trunk_port("out", VlanSet{10}));
  for (std::uint8_t priority = 0; priority < 8; ++priority)
    test.receive(in, frame_of(b, a, Tag{.vid = 10, .priority = priority}));
  const auto first = test.take(out, 3);
  const auto rest = test.take(out);
  ASSERT_EQ(first.size(), 3U);
  ASSERT_EQ(rest.size(), 5U);
  EXPECT_EQ(first.front(), frame_of(b, a, Tag{.vid = 10, .priority = 7}));
  EXPECT_EQ(rest.back(), frame_of(b, a, Tag{.vid = 10, .priority = 1}));  // background goes last (table 8-5)
}

}  // namespace
}  // namespace strata::network::bridge

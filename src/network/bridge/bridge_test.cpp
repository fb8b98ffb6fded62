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

// Two ports send to one that takes half as much: whatever the queues lose, they lose of what is not urgent.
TEST(Bridge, OverloadLosesNothingUrgent) {
  TestSwitch test;
  const auto in1 = test.add(trunk_port("in1", VlanSet{10})), in2 = test.add(trunk_port("in2", VlanSet{10})),
             out = test.add(trunk_port("out", VlanSet{10}));
  test.receive(out, frame_of(MacAddress(0xffff'ffff'ffff), b, Tag{.vid = 10}));
  test.take(in1), test.take(in2);
  std::size_t urgent = 0, other = 0;
  constexpr std::size_t rounds = 20'000;
  const auto count = [&](const FrameList& frames) {
    for (const auto& frame : frames) ++(std::to_integer<unsigned>(frame[14]) >> 5 == 7 ? urgent : other);
  };
  for (std::size_t i = 0; i < rounds; ++i) {
    test.receive(in1, frame_of(b, a, Tag{.vid = 10, .priority = 0}));
    test.receive(in2, frame_of(b, MacAddress(0x020000000003),
                               Tag{.vid = 10, .priority = i % 2 == 0 ? std::uint8_t{7} : std::uint8_t{0}}));
    count(test.take(out, 1));
  }
  count(test.take(out));
  EXPECT_EQ(urgent, rounds / 2);
  EXPECT_EQ(test.bridge->counters(out).dropped(Drop::queue_full), 2 * rounds - urgent - other);
  EXPECT_GT(test.bridge->counters(out).dropped(Drop::queue_full), 0U);
}

TEST(Bridge, SaysWhoseFramesMayLeaveAndWhenToCall) {
  TestSwitch test;
  auto slow = access_port("slow", 10);
  slow.egress_rate = {.bits_per_second = 48'000, .burst_bytes = 60};
  const auto in = test.add(access_port("in", 10)), out = test.add(slow);
  EXPECT_EQ(test.bridge->next_deadline(), never);
  test.receive(in, frame_of(b, a));
  test.receive(in, frame_of(b, a));
  test.receive(in, frame_of(b, a));
  EXPECT_EQ(test.bridge->ready(), PortSet{out});
  EXPECT_EQ(test.take(out).size(), 1U);
  EXPECT_TRUE(test.bridge->ready().empty());  // the third waits for the rate
  int calls = 0;
  for (std::size_t taken = 1; taken < 3; ++calls) {
    ASSERT_LT(calls, 10);
    test.now = test.bridge->next_deadline();
    test.bridge->poll(test.now);
    taken += test.take(out).size();
  }
  EXPECT_TRUE(test.bridge->ready().empty());
  EXPECT_EQ(test.now, std::chrono::hours(1) + 10ms + 1ns);  // 60 octets at 6 a millisecond
}

TEST(Bridge, CountsByPortAndVlan) {
  TestSwitch test;
  const auto in = test.add(access_port("in", 10)), out = test.add(trunk_port("out", VlanSet{10, 20}));
  test.receive(in, frame_of(b, a));
  test.receive(in, frame_of(b, a, Tag{.vid = 20}));
  test.take(out);
  EXPECT_EQ(test.bridge->counters(in).received.frames, 2U);
  EXPECT_EQ(test.bridge->counters(in).received.bytes, 124U);
  EXPECT_EQ(test.bridge->counters(in).dropped(), 1U);
  EXPECT_EQ(test.bridge->counters(out).transmitted.bytes, 64U);
  EXPECT_EQ(test.bridge->vlan_counters(10).received.bytes, 60U);
  EXPECT_EQ(test.bridge->vlan_counters(10).transmitted.frames, 1U);
  EXPECT_EQ(test.bridge->vlan_counters(20).received.frames, 0U);
}

// RSTP makes a new port discarding before its first frame, and hears of what happens to it.
TEST(Bridge, ProtocolsHearOfPorts) {
  struct Watcher final : Protocol {
    explicit Watcher(Bridge& its) : bridge(its) {}
    void receive(PortId, std::span<const std::byte>, Time) override {}
    void port_changed(PortId port, Time) override {
      if (bridge.has_port(port)) bridge.set_state(port, PortState::discarding);
      ++changes;
    }
    Bridge& bridge;
    int changes = 0;
  };
  TestSwitch test;
  Watcher watcher(*test.bridge);
  test.bridge->attach(watcher, {}, test.now);
  const auto port = test.add(access_port("p", 10));
  EXPECT_EQ(test.bridge->state(port), PortState::discarding);
  test.bridge->set_up(port, false, test.now);
  test.bridge->set_up(port, false, test.now);
  ASSERT_TRUE(test.bridge->reconfigure(port, access_port("p", 20), test.now));
  test.bridge->remove_port(port, test.now);
  EXPECT_EQ(watcher.changes, 4);
  test.bridge->detach(watcher);
}

TEST(Bridge, SendsForProtocolsOnPortsThatDoNotForward) {
  TestSwitch test;
  const auto port = test.add(trunk_port("p", VlanSet{10}));
  test.bridge->set_state(port, PortState::discarding);
  const auto bpdu = frame_of(MacAddress(0x0180c2000000), a);
  test.bridge->send(port, test.pool.copy(bpdu));
  test.bridge->send(port, 10, test.pool.copy(frame_of(b, a)), 0);
  EXPECT_EQ(test.take(port), FrameList{bpdu});
  test.bridge->set_state(port, PortState::forwarding);
  test.bridge->send(port, 10, test.pool.copy(frame_of(b, a)), 3);
  test.bridge->send(port, 20, test.pool.copy(frame_of(b, a)), 3);
  EXPECT_EQ(test.take(port), (FrameList{frame_of(b, a, Tag{.vid = 10, .priority = 3})}));
}

TEST(Bridge, HoldsManyPorts) {
  TestSwitch test;
  for (std::size_t i = 0; i < max_ports; ++i) test.add(access_port(fmt::format("p{}", i), 10));
  const auto more = test.bridge->add_port(access_port("more", 10), test.now);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message, "port more: a switch has at most 1024 ports");
  test.receive(5, frame_of(b, a));
  EXPECT_EQ(test.bridge->ready().count(), max_ports - 1);
  for (PortId port = 0; port < max_ports; ++port) EXPECT_EQ(test.take(port).size(), port == 5 ? 0U : 1U);
}

}  // namespace
}  // namespace strata::network::bridge

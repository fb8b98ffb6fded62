// Chains and rings of bridges with control protocols, and hosts at their edges.
#include "network/protocols/control_plane.h"

#include <gtest/gtest.h>

#include "network/protocols/cabled_test.h"

namespace strata::network::protocols {
namespace {

using namespace std::chrono_literals;

TEST_F(Cabled, AVlanCrossesThreeSwitchesThatWereToldNothingOfIt) {
  make_switches(3, {.mvrp = true});
  join(0, 1);
  join(1, 2);
  const End first{0, add_edge(0, 10)}, last{2, add_edge(2, 10)}, other{2, add_edge(2, 20)};
  run_for(1s);
  EXPECT_EQ(count_at(last, first), 1u);
  EXPECT_EQ(count_at(first, last), 1u);
  EXPECT_EQ(count_at(other, first), 0u);
  // Moved to VLAN 20: the way of VLAN 10 closes, that of 20 opens.
  ASSERT_TRUE(at(0).reconfigure(first.port, bridge::access_port("moved", 20), now));
  run_for(1s);
  EXPECT_EQ(count_at(other, first), 1u);
  EXPECT_EQ(count_at(last, first), 0u);
  run_for(3s);
  EXPECT_FALSE(at(1).members(10).contains(cables[0].b.port));
}

TEST_F(Cabled, APortWithoutMvrpRegistersNothing) {
  make_switches(2, {.mvrp = true});
  join(0, 1);
  add_edge(0, 10);
  control(1).configure_port(cables[0].b.port, {}, now);
  run_for(5s);
  EXPECT_TRUE(at(1).members(10).empty());
}

TEST_F(Cabled, RemovedPortsAndSwitchedOffProtocolsLeaveNothing) {
  make_switches(2, {.mvrp = true});
  join(0, 1);
  add_edge(0, 10);
  run_for(1s);
  EXPECT_FALSE(at(1).members(10).empty());
  control(1).configure({}, now);
  EXPECT_TRUE(at(1).members(10).empty());
  control(1).configure({.mvrp = true}, now);
  run_for(2s);
  EXPECT_FALSE(at(1).members(10).empty());
  at(1).remove_port(cables[0].b.port, now);
  cables.clear();
  EXPECT_TRUE(at(1).members(10).empty());
  run_for(30s);
}

TEST_F(Cabled, ARingWithSpanningTreeCarriesEachFrameOnce) {
  make_switches(4, {.rstp = true, .mvrp = true});
  for (size_t i = 0; i < 4; ++i) join(i, (i + 1) % 4);
  std::vector<End> hosts;
  for (size_t i = 0; i < 4; ++i) hosts.push_back({i, add_edge(i, 10)});
  run_for(8s);
  expect_once_each(hosts);
  cut(0);
  run_for(2s);
  expect_once_each(hosts);
}

TEST_F(Cabled, TheFirstFramesOfALoopFindItShut) {
  make_switches(2, {.rstp = true});
  for (int i = 0; i < 3; ++i) join(0, 1);
  const PortId a = add_edge(0, 1), b = add_edge(1, 1);
  for (int i = 0; i < 100; ++i) {
    switches[0]->station.receive(a, bridge::frame_of(broadcast, MacAddress(0x0200'0000'0001)));
    switches[1]->station.receive(b, bridge::frame_of(broadcast, MacAddress(0x0200'0000'0002)));
    run_for(10ms);
  }
  EXPECT_LT(carried, 2000u);
}

TEST_F(Cabled, WithoutSpanningTreeAllPortsForwardAgain) {
  make_switches(2, {.rstp = true});
  join(0, 1);
  EXPECT_NE(at(0).state(cables[0].a.port), PortState::forwarding);
  run_for(1s);
  EXPECT_EQ(at(0).state(cables[0].a.port), PortState::forwarding);
  join(0, 1);
  run_for(1s);
  EXPECT_NE(at(1).state(cables[1].b.port), PortState::forwarding);
  cut(0);
  control(1).configure({}, now);
  EXPECT_EQ(at(1).state(cables[1].b.port), PortState::forwarding);
}

TEST_F(Cabled, SnoopedMulticastGoesToWhoAskedForIt) {
  ControlOptions options;
  options.snooped = {10};
  make_switches(1, options);
  const PortId querier = add_edge(0, 10), member = add_edge(0, 10), other = add_edge(0, 10);
  const auto send = [&](PortId port, std::initializer_list<unsigned> packet, MacAddress to) {
    Octets frame(12);
    to.store(frame.data());
    MacAddress(0x0200'0000'0000 + port).store(&frame[6]);
    for (const unsigned byte : {0x08u, 0x00u}) frame.push_back(std::byte(byte));
    for (const unsigned byte : packet) frame.push_back(std::byte(byte));
    switches[0]->station.receive(port, frame);
  };
  const auto count = [&](PortId port) { return switches[0]->station.take(port).size(); };
  const MacAddress group(0x0100'5e01'0203);
  const auto stream = [&] {
    send(querier, {0x45, 0, 0, 20, 0, 0, 0, 0, 1, 17, 0, 0, 10, 0, 0, 1, 232, 1, 2, 3}, group);
  };
  stream();
  EXPECT_EQ(count(other), 1u);  // nobody asked who listens
  send(querier, {0x45, 0, 0, 28, 0, 0, 0, 0, 1, 2, 0, 0, 10, 0, 0, 1, 224, 0, 0, 1, 0x11, 100, 0xee, 0x9b, 0, 0, 0, 0},
       MacAddress(0x0100'5e00'0001));
  run_for(12s);
  EXPECT_EQ(count(other), 1u);  // the query
  EXPECT_EQ(count(member), 2u);
  send(member, {0x45, 0, 0, 28, 0, 0, 0, 0, 1, 2, 0, 0, 10, 0, 0, 2, 232, 1, 2, 3, 0x16, 0, 0xff, 0xfa, 232, 1, 2, 3},
       group);
  EXPECT_EQ(count(querier), 1u);
  EXPECT_EQ(count(other), 0u);  // reports are for routers
  stream();
  EXPECT_EQ(count(member), 1u);
  EXPECT_EQ(count(other), 0u);
}

}  // namespace
}  // namespace strata::network::protocols

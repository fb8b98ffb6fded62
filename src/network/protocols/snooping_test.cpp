// Snooping fed with IGMP and MLD messages made here, byte by byte, in virtual time.
#include "network/protocols/snooping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/internet_checksum.h"

namespace strata::network::protocols {
namespace {

using namespace std::chrono_literals;
using bridge::MacAddress;
using bridge::PortSet;
using Octets = std::vector<std::byte>;
using Verdict = Snooping::Verdict;

constexpr uint16_t vlan = 10;
constexpr uint32_t group = 0xe8010203;  // 232.1.2.3
const MacAddress group_mac(0x0100'5e01'0203);

Octets igmp_frame(Octets igmp, uint32_t source = 0x0a000001) {
  store_be<uint16_t>(&igmp[2], 0);
  store_be<uint16_t>(&igmp[2], internet_checksum(igmp));
  WireWriter frame;
  frame.pad_to(12);
  frame.put<uint16_t>(0x0800);
  frame.put<uint32_t>(0x46c0'0000 | static_cast<uint32_t>(24 + igmp.size()));
  frame.put<uint32_t>(0);
  frame.put<uint32_t>(0x0102'0000);
  frame.put<uint32_t>(source);
  frame.put<uint32_t>(0xe0000001);
  frame.put<uint32_t>(0x9404'0000);  // router alert
  frame.put_bytes(igmp);
  return frame.finish();
}
Octets igmp_v2(uint8_t type, uint32_t address, uint8_t code = 0, uint32_t source = 0x0a000001) {
  WireWriter igmp;
  igmp.put<uint8_t>(type);
  igmp.put<uint8_t>(code);
  igmp.put<uint16_t>(0);
  igmp.put<uint32_t>(address);
  return igmp_frame(igmp.finish(), source);
}
Octets general_query() { return igmp_v2(0x11, 0, 100); }
Octets igmp_v3_report(uint8_t type, uint32_t address, unsigned sources) {
  WireWriter igmp;
  igmp.put<uint32_t>(0x2200'0000);
  igmp.put<uint32_t>(1);
  igmp.put<uint8_t>(type);
  igmp.put<uint8_t>(0);
  igmp.put<uint16_t>(static_cast<uint16_t>(sources));
  igmp.put<uint32_t>(address);
  for (unsigned i = 0; i < sources; ++i) igmp.put<uint32_t>(0x0a000005 + i);
  return igmp_frame(igmp.finish());
}
Octets mld_frame(Octets mld, uint8_t first_octet = 0xfe) {
  WireWriter frame;
  frame.pad_to(12);
  frame.put<uint16_t>(0x86dd);
  frame.put<uint32_t>(0x6000'0000);
  frame.put<uint16_t>(static_cast<uint16_t>(8 + mld.size()));
  frame.put<uint16_t>(0x0001);
  WireWriter addresses;
  addresses.put<uint16_t>(static_cast<uint16_t>(first_octet << 8 | 0x80));
  addresses.pad_to(15);
  addresses.put<uint8_t>(1);
  addresses.put<uint16_t>(0xff02);
  addresses.pad_to(31);
  addresses.put<uint8_t>(1);
  const Octets both = addresses.finish();
  store_be<uint16_t>(&mld[2], 0);
  store_be<uint16_t>(&mld[2], internet_checksum(mld, internet_sum(both) + static_cast<uint32_t>(mld.size()) + 58));
  frame.put_bytes(both);
  frame.put<uint32_t>(0x3a00'0502);
  frame.put<uint32_t>(0x0000'0100);
  frame.put_bytes(mld);
  return frame.finish();
}
GroupAddress ipv6_group(uint8_t last) {
  GroupAddress address{0xff, 0x0e};
  address[15] = last;
  return address;
}
Octets mld_v1(uint8_t type, const GroupAddress& address, uint16_t code = 0, uint8_t source = 0xfe) {
  WireWriter mld;
  mld.put<uint32_t>(uint32_t{type} << 24);
  mld.put<uint16_t>(code);
  mld.put<uint16_t>(0);
  mld.put_array(address);
  return mld_frame(mld.finish(), source);
}
Octets mld_v2_report(uint8_t type, const GroupAddress& address) {
  WireWriter mld;
  mld.put<uint32_t>(143u << 24);
  mld.put<uint32_t>(1);
  mld.put<uint32_t>(uint32_t{type} << 24);
  mld.put_array(address);
  return mld_frame(mld.finish());
}

class SnoopingTest : public testing::Test, public SnoopingHost {
 public:
  void set_router_ports(uint16_t, const PortSet& ports) override { routers = ports; }
  void set_group_ports(uint16_t, MacAddress address, const PortSet& ports) override { groups[address] = ports; }

 protected:
  void SetUp() override {
    snooping.set_ports(all);
    snooping.add_vlan(vlan);
  }
  Verdict receive(uint32_t port, const Octets& frame) { return snooping.receive(port, vlan, frame, now); }
  void run_for(Time duration) {
    const Time end = now + duration;
    while (snooping.deadline() <= end) snooping.run(now = std::max(now, snooping.deadline()));
    now = end;
  }
  void have_querier_at(uint32_t port) {
    receive(port, general_query());
    run_for(12s);
  }

  const PortSet all{1, 2, 3, 4};
  Time now = 1000s;
  PortSet routers;
  std::map<MacAddress, PortSet> groups;
  Snooping snooping{*this, {}};
};

TEST_F(SnoopingTest, EverythingGoesEverywhereUntilHostsHaveAnsweredAQuerier) {
  EXPECT_EQ(routers, all);
  EXPECT_EQ(receive(1, general_query()), Verdict::forward);
  EXPECT_EQ(routers, all);
  run_for(9s);
  EXPECT_EQ(routers, all);
  run_for(3s);
  EXPECT_EQ(routers, PortSet{1});
  EXPECT_EQ(snooping.querier_ports(vlan), PortSet{1});
  run_for(250s);  // it is gone
  EXPECT_EQ(routers, all);
}

TEST_F(SnoopingTest, AQueryWithoutSourceNamesNoQuerier) {
  receive(1, igmp_v2(0x11, 0, 100, 0));
  run_for(12s);
  EXPECT_EQ(routers, all);
}

TEST_F(SnoopingTest, HostsJoinAndAreForgotten) {
  have_querier_at(1);
  EXPECT_EQ(receive(2, igmp_v2(0x16, group)), Verdict::to_routers);
  EXPECT_EQ(receive(3, igmp_v2(0x12, group)), Verdict::to_routers);
  EXPECT_EQ(groups[group_mac], (PortSet{2, 3}));
  run_for(200s);
  receive(3, igmp_v2(0x16, group));
  run_for(100s);
  EXPECT_EQ(groups[group_mac], PortSet{3});
  run_for(200s);
  EXPECT_EQ(groups[group_mac], PortSet{});
  EXPECT_TRUE(snooping.groups(vlan).empty());
}

TEST_F(SnoopingTest, WhoLeavesIsAskedForByTheQuerier) {
  have_querier_at(1);
  receive(2, igmp_v2(0x16, group));
  receive(3, igmp_v2(0x16, group));
  EXPECT_EQ(receive(2, igmp_v2(0x17, group)), Verdict::to_routers);
  EXPECT_EQ(groups[group_mac], (PortSet{2, 3}));
  receive(1, igmp_v2(0x11, group, 10));  // within a second
  run_for(500ms);
  receive(3, igmp_v2(0x16, group));
  run_for(2s);
  EXPECT_EQ(groups[group_mac], PortSet{3});
}

TEST_F(SnoopingTest, FastLeaveBelievesAtOnce) {
  snooping.configure({.fast_leave = true});
  receive(2, igmp_v2(0x16, group));
  receive(2, igmp_v2(0x17, group));
  EXPECT_EQ(groups[group_mac], PortSet{});
}

TEST_F(SnoopingTest, Version3RecordsSayWhetherAnythingIsWanted) {
  snooping.configure({.fast_leave = true});
  receive(2, igmp_v3_report(4, group, 0));  // exclude nothing: all sources
  EXPECT_EQ(groups[group_mac], PortSet{2});
  receive(3, igmp_v3_report(5, group, 1));  // one source more
  receive(4, igmp_v3_report(6, group, 1));  // one source less
  EXPECT_EQ(groups[group_mac], (PortSet{2, 3}));
  receive(2, igmp_v3_report(3, group, 0));  // include nothing
  EXPECT_EQ(groups[group_mac], PortSet{3});
}

TEST_F(SnoopingTest, GroupsThatShareAnAddressShareTheirPorts) {
  snooping.configure({.fast_leave = true});
  receive(2, igmp_v2(0x16, group));
  receive(3, igmp_v2(0x16, group ^ 0x0080'0000));
  EXPECT_EQ(groups[group_mac], (PortSet{2, 3}));
  receive(2, igmp_v2(0x17, group));
  EXPECT_EQ(groups[group_mac], PortSet{3});
}

TEST_F(SnoopingTest, Ipv6Too) {
  receive(1, mld_v1(130, {}, 10'000));
  run_for(12s);
  EXPECT_EQ(routers, PortSet{1});
  EXPECT_EQ(receive(2, mld_v1(131, ipv6_group(7))), Verdict::to_routers);
  receive(3, mld_v2_report(4, ipv6_group(7)));
  EXPECT_EQ(groups[MacAddress(0x3333'0000'0007)], (PortSet{2, 3}));
  receive(1, mld_v1(130, ipv6_group(7), 1000));
  receive(3, mld_v2_report(2, ipv6_group(7)));
  run_for(3s);
  EXPECT_EQ(groups[MacAddress(0x3333'0000'0007)], PortSet{3});
}

TEST_F(SnoopingTest, WhatAllHostsHearHasNoMembers) {
  receive(2, igmp_v2(0x16, 0xe0000005));
  receive(2, igmp_v2(0x16, 0x0a000005));  // no group at all
  EXPECT_TRUE(snooping.groups(vlan).empty());
}

TEST_F(SnoopingTest, DamagedAndForeignFramesChangeNothing) {
  Octets frame = igmp_v2(0x16, group);
  frame.back() ^= std::byte{1};  // the checksum is wrong
  EXPECT_EQ(receive(2, frame), Verdict::forward);
  frame = mld_v1(131, ipv6_group(7));
  frame[14 + 7] = std::byte{2};  // it came through a router
  EXPECT_EQ(receive(2, frame), Verdict::forward);
  receive(1, mld_v1(130, {}, 10'000, 0x20));  // a query from beyond the link
  EXPECT_TRUE(snooping.querier_ports(vlan).empty());
  const Octets whole = igmp_v3_report(5, group, 3);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(receive(2, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), Verdict::forward);
  }
  EXPECT_TRUE(snooping.groups(vlan).empty());
}

TEST_F(SnoopingTest, PortsThatGoAreForgotten) {
  have_querier_at(1);
  receive(2, igmp_v2(0x16, group));
  receive(3, igmp_v2(0x16, group));
  snooping.set_ports({2, 4});
  EXPECT_EQ(groups[group_mac], PortSet{2});
  EXPECT_EQ(routers, (PortSet{2, 4}));  // without querier
}

TEST_F(SnoopingTest, AfterATopologyChangeAllIsFloodedUntilTheNextQueryIsAnswered) {
  have_querier_at(1);
  snooping.topology_changed();
  EXPECT_EQ(routers, all);
  have_querier_at(2);
  EXPECT_EQ(routers, PortSet{2});
}

TEST_F(SnoopingTest, AHostCannotFillTheTable) {
  snooping.configure({.max_groups = 100});
  for (uint32_t i = 0; i < 1000; ++i) receive(2, igmp_v2(0x16, 0xe8000100 + i));
  EXPECT_EQ(snooping.groups(vlan).size(), 100u);
  run_for(300s);
  EXPECT_TRUE(snooping.groups(vlan).empty());
  receive(2, igmp_v2(0x16, group));
  EXPECT_EQ(groups[group_mac], PortSet{2});
}

}  // namespace
}  // namespace strata::network::protocols

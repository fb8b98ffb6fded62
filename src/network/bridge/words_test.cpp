// VLAN sets, addresses, prefixes as text; token buckets.
#include <gtest/gtest.h>

#include "network/bridge/acl.h"
#include "network/bridge/token_bucket.h"
#include "network/bridge/vlan.h"

namespace strata::network::bridge {
namespace {

using namespace std::chrono_literals;

TEST(VlanSet, ReadsAndWrites) {
  EXPECT_EQ(to_string(parse_vlans("10,20-29,4094").value()), "10,20-29,4094");
  EXPECT_EQ(to_string(parse_vlans("3,2,1").value()), "1-3");
  EXPECT_EQ(parse_vlans("1-4094").value().count(), 4094U);
  EXPECT_TRUE(parse_vlans("").value().empty());
}

TEST(VlanSet, RefusesWhatIsNone) {
  for (const auto& [text, reason] : {std::pair{"0", "VLAN 0"},
                                     {"4095", "VLAN 4095"},
                                     {"10-4095", "VLAN 4095"},
                                     {"20-10", "ends before it begins"},
                                     {"10,10", "VLAN 10 is named twice"},
                                     {"10-12,11", "VLAN 11 is named twice"},
                                     {"a", "'a' is no VLAN"},
                                     {"1,", "missing"},
                                     {",1", "'' is no VLAN"},
                                     {"1-", "'1-' is no VLAN"},
                                     {"-1", "'-1' is no VLAN"},
                                     {"99999999999", "no VLAN"},
                                     {"1 2", "no VLAN"}}) {
    const auto result = parse_vlans(text);
    ASSERT_FALSE(result) << text;
    EXPECT_NE(result.error().message.find(reason), std::string::npos) << result.error().message;
  }
}

TEST(MacAddress, ReadsAndWrites) {
  EXPECT_EQ(MacAddress::parse("52:54:00:12:34:ab").value().value(), 0x5254001234abU);
  EXPECT_EQ(to_string(MacAddress::parse("52-54-00-12-34-AB").value()), "52:54:00:12:34:ab");
  for (const auto* text : {"", "52:54:00:12:34", "52:54:00:12:34:5", "52:54:00:12:34:56:78", "52:54:00:12:34:5g",
                           "52:54-00:12:34:56", "5254.0012.3456", "52:54:00:12:34: 6"})
    EXPECT_FALSE(MacAddress::parse(text)) << text;
}

TEST(IpPrefix, ReadsAndWrites) {
  EXPECT_EQ(to_string(IpPrefix::parse("10.1.0.0/16").value()), "10.1.0.0/16");
  EXPECT_EQ(to_string(IpPrefix::parse("10.1.2.3").value()), "10.1.2.3/32");
  EXPECT_EQ(to_string(IpPrefix::parse("2001:db8::/32").value()), "2001:db8::/32");
  for (const auto* text : {"", "10.1/16", "10.0.0.0/33", "fe80::/129", "10.0.0.0/", "10.0.0.0/-1", "x"})
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
}

TEST(TokenBucket, LetsARatePassExactly) {
  TokenBucket bucket(1000, 10);  // 10 at once, 1,000 a second
  Time now = 5s;
  int passed = 0;
  for (int i = 0; i < 100'000; ++i, now += 100us) passed += bucket.try_take(1, now) ? 1 : 0;
  EXPECT_EQ(passed, 10 + 10'000);
}

TEST(TokenBucket, SaysWhenItIsReady) {
  TokenBucket bucket(8'000, 800);
  Time now = 1s;
  bucket.take(1'600, now);  // 800 in debt
  EXPECT_FALSE(bucket.ready(now));
  const Time ready = bucket.ready_at();
  EXPECT_FALSE(bucket.ready(ready - 1ns));
  EXPECT_TRUE(bucket.ready(ready));
  EXPECT_NEAR(std::chrono::duration<double>(ready - now).count(), 0.1, 1e-6);
}

TEST(TokenBucket, KeepsRatesThatDoNotDivideASecond) {
  TokenBucket bucket(3'000'000'007, 1'000'000);
  Time now = 1s;
  std::uint64_t taken = 0;
  while (now < 11s) {
    if (bucket.try_take(12'345, now)) taken += 12'345;
    else now = bucket.ready_at();
  }
  EXPECT_NEAR(static_cast<double>(taken), 30'000'000'070.0, 1'100'000.0);
}

}  // namespace
}  // namespace strata::network::bridge

// The table of stations against std::map, over insertions and removals that make runs wrap and move.
#include "network/bridge/fdb.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace strata::network::bridge {
namespace {

TEST(Fdb, AgreesWithAMap) {
  std::minstd_rand random(1);
  Fdb fdb(1'000'000, 5);
  std::map<std::uint64_t, PortId> map;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 50; ++i) {
      const auto key = Fdb::key_of(static_cast<Vid>(1 + random() % 3), MacAddress(random() % 4000));
      if (fdb.find(key) != nullptr) continue;
      fdb.insert(key)->port = static_cast<PortId>(random() % 100);
      map[key] = fdb.find(key)->port;
    }
    const PortId gone = static_cast<PortId>(random() % 100);
    fdb.erase_if([&](const Fdb::Entry& entry) { return entry.port == gone; });
    std::erase_if(map, [&](const auto& entry) { return entry.second == gone; });
    ASSERT_EQ(fdb.size(), map.size());
    for (const auto& [key, port] : map) {
      ASSERT_NE(fdb.find(key), nullptr);
      ASSERT_EQ(fdb.find(key)->port, port);
    }
    std::size_t visited = 0;
    fdb.for_each([&](const Fdb::Entry& entry) { visited += map.contains(entry.key) ? 1 : 0; });
    ASSERT_EQ(visited, map.size());
  }
}

TEST(Fdb, TakesNoMoreThanItsLimitButWhatIsConfigured) {
  Fdb fdb(2, 0);
  EXPECT_NE(fdb.insert(1), nullptr);
  EXPECT_NE(fdb.insert(2), nullptr);
  EXPECT_EQ(fdb.insert(3), nullptr);
  EXPECT_NE(fdb.insert(3, true), nullptr);
  EXPECT_EQ(fdb.size(), 3U);
}

// Addresses made to collide under a hash without key: multiples of large powers of two.
TEST(Fdb, StaysQuickWhateverTheAddresses) {
  for (const std::uint64_t seed : {0ULL, 1ULL, 0x123456789abcdefULL}) {
    Fdb fdb(100'000, seed);
    for (std::uint64_t i = 1; i <= 60'000; ++i) fdb.insert(Fdb::key_of(1, MacAddress(i << 24)));
    EXPECT_LT(fdb.longest_run(), 120U) << seed;  // about 50 for a random function
  }
}

}  // namespace
}  // namespace strata::network::bridge

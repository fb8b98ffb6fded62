// Tests of the table of units against a plain list, with hashes that meet.
#include "engine/unit_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "engine/unit_cache.h"

namespace strata::engine {
namespace {

TEST(UnitTableTest, FindsWhatWasAddedAndNothingElse) {
  UnitTable table;
  CachedUnit one, other;
  table.add(7, one);
  table.add(7, other);
  EXPECT_EQ(table.find(7, [&](const CachedUnit& unit) { return &unit == &other; }), &other);
  EXPECT_EQ(table.find(7, [](const CachedUnit&) { return false; }), nullptr);
  EXPECT_EQ(table.find(8, [](const CachedUnit&) { return true; }), nullptr);
  table.remove(7, one);
  EXPECT_EQ(table.find(7, [](const CachedUnit&) { return true; }), &other);
  EXPECT_EQ(table.size(), 1u);
}

// Hashes from few values, so that runs of neighbours form, wrap around the end and lose members in their middle.
TEST(UnitTableTest, RemovingCutsNobodyOff) {
  std::mt19937 random(1);
  std::vector<std::pair<uint64_t, std::unique_ptr<CachedUnit>>> live;
  UnitTable table;
  for (unsigned round = 0; round < 20'000; ++round) {
    if (live.empty() || random() % 5 < 3) {
      const uint64_t hash = 1024 * 4 - 20 + random() % 40 + (uint64_t{random() % 3} << 40);
      live.emplace_back(hash, std::make_unique<CachedUnit>());
      if (table.is_full()) table.grow();
      table.add(hash, *live.back().second);
    } else {
      std::swap(live[random() % live.size()], live.back());
      table.remove(live.back().first, *live.back().second);
      live.pop_back();
    }
    ASSERT_EQ(table.size(), live.size());
    if (round % 500 != 0) continue;
    for (const auto& entry : live) {
      const CachedUnit* unit = entry.second.get();
      ASSERT_EQ(table.find(entry.first, [unit](const CachedUnit& found) { return &found == unit; }), unit);
    }
  }
}

}  // namespace
}  // namespace strata::engine

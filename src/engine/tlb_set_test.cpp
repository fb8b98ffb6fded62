// Tests of one TLB's bookkeeping: fills, flushes of all, of what is not global, of a page, of a large page.
#include "engine/tlb_set.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <vector>

namespace strata::engine {
namespace {

constexpr uint64_t page(uint64_t number) { return number << ir::page_bits; }

struct TlbSetTest : testing::Test {
  TlbSet tlb;
  void fill(uint64_t address, bool global = false) { tlb.fill(address, global).read = address; }
  bool holds(uint64_t address) { return tlb.at(address).read == address; }
  unsigned entries() {
    unsigned count = 0;
    tlb.for_each([&count](const ir::TlbEntry& entry) { count += TlbSet::page_of(entry) != ir::TlbEntry::no_page; });
    return count;
  }
};

TEST_F(TlbSetTest, AFreshOneMatchesNoPage) {
  for (uint64_t index = 0; index < ir::tlb_entries; ++index) {
    const ir::TlbEntry& entry = tlb.at(page(index));
    for (const uint64_t tag : {page(index), page(index + ir::tlb_entries), page(index) - page(ir::tlb_entries),
                               page(index + 1), page(index + 1) - page(ir::tlb_entries)}) {  // of the bytes behind, too
      ASSERT_NE(entry.read, tag) << index;
      ASSERT_NE(entry.write, tag) << index;
      ASSERT_NE(entry.unused, tag) << index;
    }
  }
}

TEST_F(TlbSetTest, MostOfAFreshOneTakesNoMemory) {
  std::vector<unsigned char> resident(sizeof(ir::Tlb) / ir::page_size);
  ASSERT_EQ(mincore(&tlb.entries(), sizeof(ir::Tlb), resident.data()), 0);
  EXPECT_LE(std::count_if(resident.begin(), resident.end(), [](unsigned char byte) { return (byte & 1) != 0; }), 2);
}

TEST_F(TlbSetTest, FlushesKeepGlobalPagesUnlessToldOtherwise) {
  fill(page(1));
  fill(page(2), true);
  tlb.flush(false);
  EXPECT_FALSE(holds(page(1)));
  EXPECT_TRUE(holds(page(2)));
  tlb.flush(true);
  EXPECT_FALSE(holds(page(2)));
}

TEST_F(TlbSetTest, AnEntryIsOfTheKindItWasFilledAsLast) {
  fill(page(3), true);
  fill(page(3 + ir::tlb_entries), false);  // the same entry
  tlb.flush(false);
  EXPECT_FALSE(holds(page(3 + ir::tlb_entries)));
  fill(page(3), false);
  fill(page(3), true);
  tlb.flush(false);
  EXPECT_TRUE(holds(page(3)));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(TlbSetTest, FlushingAPageLeavesTheOneThatTookItsEntry) {
  fill(page(5 + ir::tlb_entries));
  tlb.flush_page(page(5));
  EXPECT_TRUE(holds(page(5 + ir::tlb_entries)));
  tlb.flush_page(page(5 + ir::tlb_entries));
  EXPECT_EQ(entries(), 0u);
}

TEST_F(TlbSetTest, PagesThatMayOnlyBeWrittenAreFlushedToo) {
  tlb.fill(page(6), false).write = page(6);
  tlb.fill(page(7), false).unused = page(7);
  tlb.flush_page(page(6));
  tlb.flush_page(page(7));
  EXPECT_EQ(entries(), 0u);
}

TEST_F(TlbSetTest, RangesReachTheLastPage) {
  const uint64_t last = ~uint64_t{0} & ir::page_mask;
  fill(last);
  fill(page(0));
  fill(page(1));
  tlb.flush_range(page(1), page(1) + ir::page_size - 1);
  EXPECT_TRUE(holds(page(0)));
  EXPECT_FALSE(holds(page(1)));
  tlb.flush_range(last, ~uint64_t{0});
  EXPECT_FALSE(holds(last));
  EXPECT_EQ(entries(), 1u);
}

TEST(LargePages, AreKnownByEveryAddressInThem) {
  constexpr uint64_t mib2 = 2 << 20, gib = 1 << 30;
  LargePages pages;
  EXPECT_EQ(pages.span_at(0), ir::page_size);
  pages.note(0x1000, ir::page_size);
  EXPECT_EQ(pages.span_at(0x1000), ir::page_size);
  pages.note(3 * mib2 + 0x5000, mib2);
  EXPECT_EQ(pages.span_at(3 * mib2), mib2);
  EXPECT_EQ(pages.span_at(4 * mib2 - 1), mib2);
  EXPECT_EQ(pages.span_at(4 * mib2), ir::page_size);
  pages.note(gib + 1, gib);
  EXPECT_EQ(pages.span_at(2 * gib - 1), gib);
  pages.note(gib + mib2, mib2);  // both are known: the wider one must go
  EXPECT_EQ(pages.span_at(gib + mib2), gib);
  pages.note(gib + 1, gib);
  pages.note(gib + mib2 * 256, mib2);
  EXPECT_EQ(pages.span_at(gib + mib2 * 256), gib);
  pages.clear();
  EXPECT_EQ(pages.span_at(gib), ir::page_size);
  pages.note(gib, mib2);  // known before, but no longer
  EXPECT_EQ(pages.span_at(gib), mib2);
}

}  // namespace
}  // namespace strata::engine

// Tests of one TLB's bookkeeping: fills, flushes of all, of what is not global, of a page, of a large page.
#include "engine/tlb_set.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <vector>

namespace strata::engine {
namespace {

constexpr uint64_t page(uint64_t number) { return number << ir::page_bits; }

using Pages = TlbSet::Pages;
using Large = TlbSet::Large;

struct TlbSetTest : testing::Test {
  TlbSet tlb;
  Pages& pages = tlb.pages();
  void fill(uint64_t address, bool global = false) { pages.fill(address, global).read = ir::page_number(address); }
  bool holds(uint64_t address) { return pages.at(address).read == ir::page_number(address); }
  unsigned entries() {
    unsigned count = 0;
    pages.for_each([&count](const ir::TlbEntry& entry) { count += Pages::page_of(entry) != ir::TlbEntry::no_page; });
    return count;
  }
};

template <class Table>
void expect_no_match(Table& table, uint64_t page_size, uint64_t size) {
  for (uint64_t index = 0; index < size; ++index) {
    const ir::TlbEntry& entry = table.at(index * page_size);
    for (const uint64_t number : {index, index + size, index - size, index + 1, index + 1 - size}) {
      const uint64_t tag = number * page_size / page_size;  // of the bytes behind, too
      ASSERT_NE(entry.read, tag) << index;
      ASSERT_NE(entry.write, tag) << index;
      ASSERT_NE(entry.unused, tag) << index;
    }
  }
}

TEST_F(TlbSetTest, AFreshOneMatchesNoPage) {
  expect_no_match(tlb.pages(), ir::page_size, ir::tlb_entries);
  expect_no_match(tlb.large(), ir::large_page_size, ir::large_tlb_entries);
}

TEST_F(TlbSetTest, MostOfAFreshOneTakesNoMemory) {
  std::vector<unsigned char> resident(sizeof(ir::Tlb) / ir::page_size);
  ASSERT_EQ(mincore(&tlb.entries(), sizeof(ir::Tlb), resident.data()), 0);
  EXPECT_LE(std::count_if(resident.begin(), resident.end(), [](unsigned char byte) { return (byte & 1) != 0; }), 4);
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
  EXPECT_FALSE(pages.is_global(page(3)));
  tlb.flush(false);
  EXPECT_FALSE(holds(page(3 + ir::tlb_entries)));
  fill(page(3), false);
  fill(page(3), true);
  EXPECT_TRUE(pages.is_global(page(3)));
  tlb.flush(false);
  EXPECT_TRUE(holds(page(3)));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(TlbSetTest, FlushingAPageLeavesTheOneThatTookItsEntry) {
  fill(page(5 + ir::tlb_entries));
  pages.flush_page(page(5), true);
  EXPECT_TRUE(holds(page(5 + ir::tlb_entries)));
  pages.flush_page(page(5 + ir::tlb_entries), false);
  EXPECT_TRUE(holds(page(5 + ir::tlb_entries)));
  pages.flush_page(page(5 + ir::tlb_entries), true);
  EXPECT_EQ(entries(), 0u);
}

TEST_F(TlbSetTest, PagesThatMayOnlyBeWrittenAreFlushedToo) {
  pages.fill(page(6), false).write = 6;
  pages.fill(page(7), false).unused = 7;
  pages.flush_page(page(6), true);
  pages.flush_page(page(7), true);
  EXPECT_EQ(entries(), 0u);
}

TEST_F(TlbSetTest, RangesReachTheLastPage) {
  const uint64_t last = ~uint64_t{0} & ir::page_mask;
  fill(last);
  fill(page(0));
  fill(page(1));
  tlb.flush_range(page(1), page(1) + ir::page_size - 1, true);
  EXPECT_TRUE(holds(page(0)));
  EXPECT_FALSE(holds(page(1)));
  tlb.flush_range(last, ~uint64_t{0}, true);
  EXPECT_FALSE(holds(last));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(TlbSetTest, LargePagesGoWithTheirRangeAndWithAFlush) {
  const auto fill_large = [this](uint64_t number, bool global) {
    const uint64_t address = number << ir::large_page_bits;
    tlb.large().fill(address, global).read = number;
  };
  const auto holds_large = [this](uint64_t number) {
    const uint64_t address = number << ir::large_page_bits;
    return tlb.large().at(address + 5).read == number;
  };
  for (const uint64_t number : {3, 4}) fill_large(number, false);
  for (const uint64_t number : {5, 6}) fill_large(number, true);
  tlb.flush_range(5 * ir::large_page_size, 6 * ir::large_page_size - 1, false);
  EXPECT_FALSE(holds_large(5));
  EXPECT_TRUE(holds_large(6));
  tlb.flush_range(4 * ir::large_page_size, 5 * ir::large_page_size - 1, false);  // those that are not global stay
  EXPECT_TRUE(holds_large(4));
  tlb.flush_range(4 * ir::large_page_size, 5 * ir::large_page_size - 1, true);
  EXPECT_FALSE(holds_large(4));
  EXPECT_TRUE(holds_large(3));
  tlb.flush(false);
  EXPECT_FALSE(holds_large(3));
  EXPECT_TRUE(holds_large(6));
  tlb.flush(true);
  EXPECT_FALSE(holds_large(6));
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

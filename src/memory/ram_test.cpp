// Tests of guest RAM: sizes, marks, watchers.
#include "memory/ram.h"

#include <gtest/gtest.h>

#include <utility>

namespace strata::memory {
namespace {

struct Recorder : WriteWatcher {
  std::vector<std::pair<uint64_t, uint64_t>> seen;
  void written(uint64_t offset, uint64_t size) override { seen.emplace_back(offset, size); }
};
using Seen = std::vector<std::pair<uint64_t, uint64_t>>;

std::unique_ptr<Ram> make(uint64_t size) {
  auto ram = Ram::make(size);
  EXPECT_TRUE(ram.has_value());
  return std::move(*ram);
}

TEST(Ram, IsZeroAndRoundedToPages) {
  const auto ram = make(page_size + 1);
  EXPECT_EQ(ram->size(), 2 * page_size);
  for (uint64_t i = 0; i < ram->size(); ++i) ASSERT_EQ(*ram->at(i), std::byte{0});
}

TEST(Ram, RefusesWhatTheHostHasNot) {
  const auto none = Ram::make(0);
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::usage);
  const auto huge = Ram::make(~uint64_t{0});
  ASSERT_FALSE(huge.has_value());
  EXPECT_NE(huge.error().message.find("17592186044415 MiB"), std::string::npos) << huge.error().message;
}

TEST(Ram, TellsWatchersOfWritesToCodeByPage) {
  const auto ram = make(4 * page_size);
  Recorder first, second;
  ram->watch(first);
  ram->watch(second);
  ram->note_write(0, 4 * page_size);
  EXPECT_TRUE(first.seen.empty());

  ram->mark(page_size, Ram::Mark::code);
  ram->mark(2 * page_size + 5, Ram::Mark::code);
  ram->note_write(page_size - 2, 2 * page_size);
  EXPECT_EQ(first.seen, (Seen{{page_size, page_size}, {2 * page_size, page_size - 2}}));
  EXPECT_EQ(second.seen, first.seen);

  ram->unmark(page_size, Ram::Mark::code);
  ram->unwatch(second);
  ram->note_write(page_size, page_size + 1);
  EXPECT_EQ(first.seen.back(), (std::pair<uint64_t, uint64_t>{2 * page_size, 1}));
  EXPECT_EQ(second.seen.size(), 2u);
}

TEST(Ram, KnowsStretchesWithoutMarks) {
  constexpr uint64_t stretch = 2 << 20;
  const auto ram = make(3 * stretch);
  ram->mark(stretch, Ram::Mark::code);
  ram->mark(stretch, Ram::Mark::clean);
  ram->mark(2 * stretch - 1, Ram::Mark::clean);
  EXPECT_TRUE(ram->is_unmarked(0, stretch));
  EXPECT_FALSE(ram->is_unmarked(stretch, stretch));
  EXPECT_FALSE(ram->is_unmarked(page_size, stretch));
  EXPECT_FALSE(ram->is_unmarked(0, 3 * stretch));
  EXPECT_TRUE(ram->is_unmarked(2 * stretch, stretch));
  ram->unmark(stretch, Ram::Mark::code);
  ram->unmark(stretch, Ram::Mark::code);
  ram->unmark(2 * stretch - page_size, Ram::Mark::clean);
  EXPECT_FALSE(ram->is_unmarked(stretch, stretch));
  ram->unmark(stretch, Ram::Mark::clean);
  EXPECT_TRUE(ram->is_unmarked(0, 3 * stretch));
}

TEST(Ram, WritesTakeTheCleanMarkAway) {
  const auto ram = make(2 * page_size);
  ram->mark(0, Ram::Mark::clean);
  ram->mark(page_size, Ram::Mark::clean | Ram::Mark::code);
  ram->note_write(page_size + 7, 1);
  EXPECT_EQ(ram->marks(0), Ram::Mark::clean);
  EXPECT_EQ(ram->marks(page_size), Ram::Mark::code);
}

TEST(Ram, WritesOutsideAreNobodys) {
  const auto ram = make(page_size);
  Recorder recorder;
  ram->watch(recorder);
  ram->mark(0, Ram::Mark::code);
  ram->note_write(page_size, 1);
  ram->note_write(~uint64_t{0}, ~uint64_t{0});
  EXPECT_TRUE(recorder.seen.empty());
  ram->note_write(page_size - 1, ~uint64_t{0});
  EXPECT_EQ(recorder.seen, (Seen{{page_size - 1, 1}}));
}

}  // namespace
}  // namespace strata::memory

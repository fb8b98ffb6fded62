// Code memory is writable in one place and executable in another.
#include "codegen/x64/code_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace strata::codegen::x64 {
namespace {

/// The rights of the mapping that holds an address, as /proc shows them.
std::string rights_at(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream in(line);
    uint64_t begin, end;
    char dash;
    std::string rights;
    in >> std::hex >> begin >> dash >> end >> rights;
    const auto wanted = reinterpret_cast<uint64_t>(address);
    if (begin <= wanted && wanted < end) return rights;
  }
  return "";
}

TEST(CodeMemory, IsNeverWritableAndExecutableAtOnce) {
  CodeMemory memory;
  const CodeSpan span = memory.allocate(100);
  ASSERT_NE(span.run, span.write);
  EXPECT_EQ(rights_at(span.run), "r-xs");
  EXPECT_EQ(rights_at(span.write), "rw-s");
  constexpr uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov eax, 42; ret
  std::copy(std::begin(code), std::end(code), reinterpret_cast<uint8_t*>(span.write));
  EXPECT_EQ(reinterpret_cast<int (*)()>(span.run)(), 42);
  memory.release(span);
}

TEST(CodeMemory, LargerThanABlock) {
  CodeMemory memory;
  const CodeSpan span = memory.allocate(size_t{5} << 20);
  std::fill_n(span.write, span.size, std::byte{7});
  EXPECT_EQ(span.run[span.size - 1], std::byte{7});
  memory.release(span);
}

TEST(CodeMemory, IsOneRange) {
  CodeMemory memory;
  std::vector<CodeSpan> spans;
  for (unsigned i = 0; i < 40; ++i) spans.push_back(memory.allocate(size_t{1} << (i % 23)));
  EXPECT_GT(memory.mapped(), size_t{5} << 20) << "of several blocks";
  for (const CodeSpan& span : spans) {
    EXPECT_LT(std::abs(span.run - spans.front().run), static_cast<ptrdiff_t>(CodeMemory::reach));
    EXPECT_EQ(span.run - spans.front().run, span.write - spans.front().write);
  }
}

/// Spans of all sizes come and go, mostly the oldest first. Each keeps what was written to it, so none share a byte.
TEST(CodeMemory, SpansDoNotMeetAndRoomIsUsedAgain) {
  CodeMemory memory;
  std::mt19937 random(7);
  struct Held {
    CodeSpan span;
    uint8_t mark;
  };
  std::deque<Held> held;
  size_t bytes = 0;
  const auto check = [](const Held& one) {
    return std::all_of(one.span.run, one.span.run + one.span.size,
                       [&](std::byte byte) { return byte == static_cast<std::byte>(one.mark); });
  };
  const auto release = [&](size_t index) {
    ASSERT_TRUE(check(held[index]));
    bytes -= held[index].span.size;
    memory.release(held[index].span);
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(index));
  };
  for (unsigned i = 0; i < 20'000; ++i) {
    const size_t size = 1 + random() % (random() % 50 == 0 ? 40'000 : 2'000);
    const Held one{memory.allocate(size), static_cast<uint8_t>(random())};
    EXPECT_EQ(reinterpret_cast<uintptr_t>(one.span.run) % 64, 0u);
    std::fill_n(one.span.write, size, static_cast<std::byte>(one.mark));
    held.push_back(one);
    bytes += size;
    while (bytes > (size_t{4} << 20)) release(random() % 4 == 0 ? random() % held.size() : 0);
  }
  EXPECT_LE(memory.mapped(), size_t{6} << 20);
  while (!held.empty()) release(held.size() / 2);
  // All of it is one run a block again.
  const size_t mapped = memory.mapped();
  for (size_t i = 0; i < mapped >> 20; ++i) memory.allocate(size_t{1} << 20);
  EXPECT_EQ(memory.mapped(), mapped);
}

}  // namespace
}  // namespace strata::codegen::x64

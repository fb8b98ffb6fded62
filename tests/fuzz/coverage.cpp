// Receives g++'s -fsanitize-coverage=trace-pc calls and counts jumps between basic blocks in a small table.
#include "tests/fuzz/coverage.h"

#include <array>
#include <bit>
#include <cstdint>

namespace strata::fuzz {
namespace {

constexpr std::size_t table_size = 1 << 16;

std::array<std::uint8_t, table_size> hits;      // by this input
std::array<std::uint16_t, table_size> touched;  // where hits is not zero, so that the table needs no scan
std::size_t touched_count = 0;
std::array<std::uint8_t, table_size> seen;       // by all inputs: one bit for each order of magnitude
thread_local std::uintptr_t previous_block = 0;  // a jump is a pair of blocks

}  // namespace

void begin_coverage() {
  for (std::size_t i = 0; i < touched_count; ++i) hits[touched[i]] = 0;
  touched_count = 0;
  previous_block = 0;
}

bool found_new_coverage() {
  bool found = false;
  for (std::size_t i = 0; i < touched_count; ++i) {
    const std::size_t jump = touched[i];
    const auto magnitude = static_cast<std::uint8_t>(std::bit_floor(hits[jump]));
    if ((seen[jump] & magnitude) == 0) {
      seen[jump] |= magnitude;
      found = true;
    }
  }
  return found;
}

std::size_t covered_jumps() {
  std::size_t count = 0;
  for (const std::uint8_t magnitudes : seen) count += magnitudes != 0;
  return count;
}

}  // namespace strata::fuzz

// The compiler puts a call to this at the start of every basic block; its name is the compiler's.
extern "C" void __sanitizer_cov_trace_pc() {
  using namespace strata::fuzz;
  // The multiplication spreads neighbouring addresses over the table.
  const std::uintptr_t block =
      (reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) * 0x9e3779b97f4a7c15) >> 48;
  const auto jump = static_cast<std::uint16_t>(block ^ previous_block);
  std::uint8_t& count = hits[jump];
  if (count == 0 && touched_count < table_size) touched[touched_count++] = jump;  // two threads may list a jump twice
  if (count != UINT8_MAX) ++count;
  previous_block = block >> 1;
}

// Register contents at which SSE instructions like to go wrong.
#pragma once

#include <cstdint>
#include <iterator>
#include <random>

#include "ir/type.h"
#include "isa/x86/lockstep/world_test.h"

namespace strata::isa::x86::lockstep {

class SseInputs {
 public:
  explicit SseInputs(uint64_t seed) : random_(seed) {}

  uint64_t word() { return random_(); }
  uint64_t below(uint64_t limit) { return random_() % limit; }
  bool chance(unsigned percent) { return below(100) < percent; }

  template <class Range>
  auto one_of(const Range& range) {
    return range[below(std::size(range))];
  }

  /// Registers and memory; RBX and RDI point into the data. The exceptions in `unmasked` (MXCSR's mask bits) are so.
  void fill(Program& program, uint32_t unmasked);

 private:
  enum Style : uint8_t { bits, singles, doubles, small, extremes, shift_counts, text, styles };

  Style style() { return static_cast<Style>(below(styles)); }
  ir::Vec128 vector_of(Style style);
  uint32_t single();
  uint64_t double_();
  uint64_t bytes(bool of_text);
  void fill_x87(FxArea& fx);
  uint32_t mxcsr(uint32_t unmasked);

  std::mt19937_64 random_;
};

}  // namespace strata::isa::x86::lockstep

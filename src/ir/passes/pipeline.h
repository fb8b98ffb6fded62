// The one door to the passes: each is timed, can be switched off by name, and is verified after.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/unit.h"

namespace strata::ir {

/// One pass: a function in a file of its own under ir/passes/.
struct Pass {
  std::string_view name;
  void (*run)(Unit& unit);
};

/// All passes in their order.
std::span<const Pass> all_passes();

class Pipeline {
 public:
  struct Timing {
    std::string_view name;
    std::chrono::nanoseconds spent{};
    uint64_t runs = 0;
  };

  /// All passes; verification after each where `verify` (always in debug builds).
  explicit Pipeline(bool verify = false);

  /// Fails with the known names where there is no such pass.
  Result<void> disable(std::string_view pass);
  void run(Unit& unit);
  const std::vector<Timing>& timings() const { return timings_; }

 private:
  std::vector<Pass> passes_;
  std::vector<Timing> timings_;
  bool verify_;
};

}  // namespace strata::ir

// Runs the passes: timed, verified, without those that were switched off.
#include "ir/passes/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "ir/passes/passes.h"
#include "ir/verify.h"

namespace strata::ir {
namespace {

constexpr std::array passes = {
    Pass{"simplify", simplify},
    Pass{"hand_on_flags", hand_on_flags},
    Pass{"sink_sets", sink_sets},
    Pass{"remove_dead", remove_dead},
};

#ifdef __OPTIMIZE__  // releases keep their assertions, so NDEBUG tells nothing
constexpr bool debug_build = false;
#else
constexpr bool debug_build = true;
#endif

void verify_after(std::string_view pass, const Unit& unit) {
  const Result<void> verified = verify(unit);
  if (verified) return;
  const std::string explanation = fmt::format("after {}: {}", pass, verified.error().message);
  STRATA_ASSERT(verified.has_value(), explanation.c_str());
}

}  // namespace

std::span<const Pass> all_passes() { return passes; }

Pipeline::Pipeline(bool verify) : passes_(passes.begin(), passes.end()), verify_(verify || debug_build) {
  for (const Pass& pass : passes_) timings_.push_back({.name = pass.name});
}

Result<void> Pipeline::disable(std::string_view name) {
  const auto is_it = [&](const auto& row) { return row.name == name; };
  if (std::erase_if(passes_, is_it) != 0) {
    std::erase_if(timings_, is_it);
    return {};
  }
  std::string known;
  for (const Pass& pass : passes) known += fmt::format("{}{}", known.empty() ? "" : ", ", pass.name);
  if (std::any_of(passes.begin(), passes.end(), is_it)) return {};  // it is off already
  return fail(ErrorCode::usage, "there is no pass '{}'; the passes are {}", name, known);
}

void Pipeline::run(Unit& unit) {
  if (verify_) verify_after("the builder", unit);
  auto before = std::chrono::steady_clock::now();
  for (size_t i = 0; i < passes_.size(); ++i) {
    passes_[i].run(unit);
    const auto after = std::chrono::steady_clock::now();
    timings_[i].spent += after - before;
    ++timings_[i].runs;
    before = after;
    if (!verify_) continue;
    verify_after(passes_[i].name, unit);
    before = std::chrono::steady_clock::now();
  }
}

}  // namespace strata::ir

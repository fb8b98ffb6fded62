// The loop of every lockstep test.
#include "isa/x86/lockstep/lockstep_test.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace strata::isa::x86::lockstep {

std::vector<Pattern> compile(std::initializer_list<std::string_view> rows) {
  std::vector<Pattern> patterns;
  for (std::string_view row : rows) patterns.emplace_back(row);
  return patterns;
}

bool agrees(const Program& program, uint64_t seed) {
  constexpr unsigned unit_lengths[] = {1, 2, 5, 64};
  StrataOptions options{unit_lengths[seed % 4], seed % 3 != 0, seed % 5 != 0};
  const Outcome host = run_on_host(program);
  std::string text = differences(program, host, run_in_strata(program, options));
  if (text.empty()) {
    options.translated = true;
    text = differences(program, host, run_in_strata(program, options));
  }
  if (text.empty()) return true;
  ADD_FAILURE() << (options.translated ? "translated" : "interpreted") << ", seed " << seed << ", "
                << static_cast<unsigned>(program.code_size) << "-bit code, units of " << options.max_insns
                << ", passes " << options.passes << ", TLB " << options.tlb << "\n"
                << disassembly(program) << text;
  return false;
}

void run_seeds(const std::vector<Pattern>& patterns, CodeSize size, uint64_t first, uint64_t count) {
  if (!host_runs(size)) GTEST_SKIP() << "this host does not run such code itself";
  if (const char* only = std::getenv("STRATA_LOCKSTEP_SEED")) first = std::strtoull(only, nullptr, 10), count = 1;
  unsigned failures = 0;
  for (uint64_t seed = first; seed < first + count && failures < 10; ++seed)
    failures += !agrees(Generator(seed, size).program(patterns, 12), seed);
}

void run_each(const std::vector<Pattern>& patterns, unsigned count) {
  for (CodeSize size : {CodeSize::bits64, CodeSize::bits32}) {
    if (!host_runs(size)) continue;
    for (const Pattern& pattern : patterns) {
      if (size == CodeSize::bits64 ? pattern.only32 : pattern.only64) continue;
      for (unsigned i = 0; i < count; ++i) {
        const uint64_t seed = i * 7919 + pattern.row.size();
        if (agrees(Generator(seed, size).program_of(pattern), seed)) continue;
        ADD_FAILURE() << "pattern: " << pattern.row;
        break;
      }
    }
  }
}

}  // namespace strata::isa::x86::lockstep

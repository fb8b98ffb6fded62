// The loop of every lockstep test: make a program, run it twice, compare.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "isa/x86/lockstep/pattern_test.h"

namespace strata::isa::x86::lockstep {

std::vector<Pattern> compile(std::initializer_list<std::string_view> rows);

/// Programs of the seeds first, first + 1 …; STRATA_LOCKSTEP_SEED in the environment picks one of them. Ends at the
/// tenth that fails. Skips where the host cannot run code of this size.
void run_seeds(const std::vector<Pattern>& patterns, CodeSize size, uint64_t first, uint64_t count);

/// Programs of one instruction: each pattern `count` times, in both code sizes.
void run_each(const std::vector<Pattern>& patterns, unsigned count);

/// One program. False, and a failure reported, where the outcomes differ.
bool agrees(const Program& program, uint64_t seed);

}  // namespace strata::isa::x86::lockstep

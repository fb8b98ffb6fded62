// Coverage feedback: which jumps between basic blocks an input has made the fuzzed code take.
#pragma once

#include <cstddef>

namespace strata::fuzz {

// Forgets the jumps of the last input.
void begin_coverage();

// Whether this input took a jump, or took it a new order of magnitude of times, as none before. Always false
// where the code was built without coverage (every preset but fuzz).
bool found_new_coverage();

// Jumps seen so far by all inputs.
std::size_t covered_jumps();

}  // namespace strata::fuzz

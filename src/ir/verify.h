// Checks that a unit is well formed.
#pragma once

#include "base/result.h"
#include "ir/unit.h"

namespace strata::ir {

/// Types, operand counts, definitions before uses in the same block, slots, terminators, targets. The error names the
/// instruction and what is wrong with it.
Result<void> verify(const Unit& unit);

}  // namespace strata::ir

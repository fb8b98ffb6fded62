// Ctrl-C as something to wait for.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace strata::control {

/// A descriptor that becomes readable at Ctrl-C or a request to end, in place of the program's sudden death.
[[nodiscard]] Result<UniqueFd> interruption();

}  // namespace strata::control

// Signals by name or number.
#pragma once

#include "base/result.h"

#include <string>

namespace strata::oci {

/// SIGTERM, TERM, term, 15, SIGRTMIN+3.
[[nodiscard]] Result<int> signal_number(const std::string& name);

}  // namespace strata::oci

// The time as records and logs have it.
#pragma once

#include <string>

namespace strata::container {

/// Now, as RFC 3339 with nanoseconds: 2026-01-31T23:59:59.000000001Z.
[[nodiscard]] std::string utc_now();

}  // namespace strata::container

// Programs that an engine wants run at turns of a container's life (config.md, "POSIX-platform Hooks").
#pragma once

#include "base/result.h"
#include "container/spec/spec.h"

#include <string>
#include <string_view>
#include <vector>

namespace strata::container {

/// Runs them one after the other, each with the state on its standard input, and stops at the first that fails: that it
/// cannot be run, ends with another code than 0, or takes longer than its timeout.
[[nodiscard]] Result<void> run_hooks(std::string_view when, const std::vector<Hook>& hooks, const std::string& state);

}  // namespace strata::container

// start_in_background: a process of our own that outlives us and has told us that it works, or why not.
#pragma once

#include <filesystem>
#include <functional>

#include "base/result.h"

namespace strata::network {

struct BackgroundProcess {
  const char* name;           ///< what `ps` shows, at most 15 characters
  std::filesystem::path log;  ///< where its standard output and error go; begun anew when it has grown large
};

/// What the process does until it ends; it calls `ready` when others may rely on it. On a copy of our memory.
using BackgroundWork = std::function<Result<void>(const std::function<void()>& ready)>;

/// Starts it without a terminal, as nobody's child, and returns when it is ready, or with its error. To be called by a
/// process of one thread.
[[nodiscard]] Result<void> start_in_background(const BackgroundProcess& process, const BackgroundWork& work);

}  // namespace strata::network

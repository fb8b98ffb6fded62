// Runs this program again as a runtime: `run`, `exec` and `delete` of the container that is supervised.
#pragma once

#include "base/result.h"
#include "container/supervisor/stdio.h"

#include <sys/types.h>

#include <string>
#include <vector>

namespace strata::container {

/// Starts `strata-oci WORDS…` with the program's ends of `stdio`, or nothing, as standard input and outputs. It keeps
/// `lock` open, so that whoever waits for the lock knows that it has ended too, and dies with the supervisor.
[[nodiscard]] Result<pid_t> spawn_runtime(const std::vector<std::string>& words, const ProgramStdio* stdio, int lock);

/// Waits for that child; gives its wait status.
[[nodiscard]] int wait_for_child(pid_t child);
/// 128 + n for signal n.
[[nodiscard]] int exit_code_of(int wait_status);

}  // namespace strata::container

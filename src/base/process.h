// Runs a program of the host to its end, hands on its output line by line, and stops it with all its children.
#pragma once

#include "base/result.h"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

struct Command {
  std::vector<std::string> arguments;                                 // the first is the program, looked for in PATH
  std::vector<std::pair<std::string, std::string>> environment = {};  // beside our own
  bool show_errors = true;                                            // standard error is output too; else dropped
  std::chrono::milliseconds grace{15'000};                            // from the request to stop (SIGTERM) to SIGKILL
};

using LineFn = std::function<void(std::string_view line)>;

// Runs the command with no input and waits for its end. Gives its exit code; that it could not be started, or was ended
// by a signal, is an error. When `cancel_fd` becomes readable, the command's process group is stopped and the error is
// `cancelled`. No process of its group outlives the call, and the command gets SIGTERM if we die first.
[[nodiscard]] Result<int> run_command(const Command& command, const LineFn& on_line = {}, int cancel_fd = -1);

// What a short command prints on standard output; any exit code but 0 is an error.
[[nodiscard]] Result<std::string> output_of(Command command);

}  // namespace strata

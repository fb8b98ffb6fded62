// The commands of `strata`, each added to the parser by one function.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

#include "base/result.h"

namespace strata::cli {

/// What the command line asks for; set while it is parsed, called behind. Gives the exit code.
using Action = std::function<Result<int>()>;

void add_run_command(CLI::App& app, Action& action);
void add_running_commands(CLI::App& app, Action& action);
void add_image_commands(CLI::App& app, Action& action);
/// pull and push, below `image`.
void add_transfer_commands(CLI::App& image, Action& action);
void add_network_commands(CLI::App& app, Action& action);
void add_port_commands(CLI::App& app, Action& action);
void add_container_net_commands(CLI::App& app, Action& action);

/// What a command with prefix_command() was given behind its own words: a program with its arguments.
[[nodiscard]] Result<std::vector<std::string>> program_words(const CLI::App& command);

/// The exit code of work that has no other result.
inline Result<int> done(Result<void> result) {
  return std::move(result).map([] { return 0; });
}

}  // namespace strata::cli

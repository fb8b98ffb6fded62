// The commands of `strata`, each added to the parser by one function.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

#include "base/result.h"

namespace strata::cli {

/// What the command line asks for; set while it is parsed, called behind. Gives the exit code.
using Action = std::function<Result<int>()>;

void add_run_command(CLI::App& app, Action& action);
void add_image_commands(CLI::App& app, Action& action);

}  // namespace strata::cli

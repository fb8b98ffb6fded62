// The subcommands, by group. Parsing one sets what is to be done; nothing is done while parsing.
#pragma once

#include "container/container.h"

#include <CLI/CLI.hpp>

#include <functional>

namespace strata::oci {

struct Context {
  container::Runtime runtime;
  std::function<Result<int>()> action;  // gives the exit code
};

void add_lifecycle_commands(CLI::App& app, Context& context);    // create run start kill delete
void add_process_commands(CLI::App& app, Context& context);      // exec pause resume update
void add_information_commands(CLI::App& app, Context& context);  // state list ps features spec

void add_supervise_command(CLI::App& app, Context& context);

/// What is done when that subcommand is given.
template <class F>
void on(CLI::App* command, Context& context, F&& action) {
  command->callback([&context, action = std::forward<F>(action)] { context.action = action; });
}

/// A result without value as exit code 0.
[[nodiscard]] inline Result<int> done(Result<void> result) {
  if (result) return 0;
  return tl::unexpected(std::move(result.error()));
}

}  // namespace strata::oci

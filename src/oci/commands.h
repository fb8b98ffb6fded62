// The subcommands, by group. Parsing one sets what is to be done; nothing is done while parsing.
#pragma once

#include "container/container.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace strata::oci {

struct Context {
  container::Runtime runtime;
  std::function<Result<int>()> action;  // gives the exit code
  std::vector<std::string_view> words;  // of the command line
};

/// A subcommand by its name. Only those whose names the command line has are added, as adding all takes longer than some
/// of them take to run; all, if it has none.
struct Subcommand {
  std::string_view name;
  void (*add)(CLI::App& app, Context& context);
};

std::span<const Subcommand> lifecycle_commands();    // create run start kill delete
std::span<const Subcommand> process_commands();      // exec pause resume update
std::span<const Subcommand> information_commands();  // state list ps features spec
std::span<const Subcommand> hidden_commands();       // supervise

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

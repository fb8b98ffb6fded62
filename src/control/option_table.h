// Option: one row of a table through which command line, TOML and help say what can be asked of something.
#pragma once

#include <string_view>

#include "base/result.h"

namespace strata::control {

/// `--name ARGUMENT`, or a key of the same name in TOML.
template <class Options>
struct Option {
  std::string_view name;
  std::string_view argument;  ///< for the help; empty: a flag, whose value is "true" or "false"
  std::string_view help;
  bool repeated;  ///< may be given more than once
  Result<void> (*set)(Options& options, std::string_view value);
  char letter = 0;  ///< a short name for the command line, or 0
};

/// The row of that name, or null.
template <class Options, class Table>
const Option<Options>* find_option(const Table& table, std::string_view name) {
  for (const Option<Options>& option : table)
    if (option.name == name) return &option;
  return nullptr;
}

}  // namespace strata::control

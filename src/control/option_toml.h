// Options from a TOML file, whatever they are of.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::control {

/// Where the value of a key goes.
struct TomlKey {
  bool repeated = false;  ///< takes arrays too, each element by itself
  std::function<Result<void>(std::string_view value)> set;
};

/// Gives each key's value to what `find` says, as the command line would write it; `image` and `as` are keys of every file.
/// The error names file, line and key.
[[nodiscard]] Result<void> read_option_toml(const std::string& path, std::string& image,
                                            const std::function<std::optional<TomlKey>(std::string_view key)>& find);

/// What the file is to be run as (its key `as`), or `vm`.
[[nodiscard]] Result<std::string> layer_of_toml(const std::string& path);

}  // namespace strata::control

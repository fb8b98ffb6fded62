// Logging to standard error; STRATA_LOG=trace|debug|info|warn|error|off sets the level, warn if it is not
// set. spdlog stands behind it and out of this header, which every room includes.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

namespace strata::log {

enum class Level : int { trace, debug, info, warn, error, off };

[[nodiscard]] std::optional<Level> parse_level(std::string_view name);

[[nodiscard]] Level level();
void set_level(Level level);

[[nodiscard]] inline bool enabled(Level at) { return at >= level(); }

// One line, without level check.
void write(Level at, std::string_view line);

template <class... Args>
void message(Level at, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(at)) write(at, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void trace(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::trace, format, std::forward<Args>(args)...);
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::warn, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  message(Level::error, format, std::forward<Args>(args)...);
}

}  // namespace strata::log

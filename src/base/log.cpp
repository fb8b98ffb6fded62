// The logger itself: spdlog on standard error.
#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>

namespace strata::log {
namespace {

constexpr std::array<std::string_view, 6> level_names = {"trace", "debug", "info", "warn", "error", "off"};
constexpr std::array<spdlog::level::level_enum, 6> spdlog_levels = {spdlog::level::trace, spdlog::level::debug,
                                                                    spdlog::level::info,  spdlog::level::warn,
                                                                    spdlog::level::err,   spdlog::level::off};

spdlog::logger& logger() {
  static const std::unique_ptr<spdlog::logger> instance = [] {
    auto made = std::make_unique<spdlog::logger>("strata", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%H:%M:%S.%e %^%l%$: %v");
    made->set_level(spdlog::level::trace);  // enabled() decides
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

Level level_from_environment() {
  const char* name = std::getenv("STRATA_LOG");
  if (!name || !*name) return Level::warn;
  if (const auto parsed = parse_level(name)) return *parsed;
  write(Level::warn, fmt::format("STRATA_LOG={} is no level; trace, debug, info, warn, error and off are", name));
  return Level::warn;
}

std::atomic<Level>& current_level() {
  static std::atomic<Level> current = level_from_environment();
  return current;
}

}  // namespace

std::optional<Level> parse_level(std::string_view name) {
  for (std::size_t i = 0; i < level_names.size(); ++i) {
    if (level_names[i] == name) return static_cast<Level>(i);
  }
  return std::nullopt;
}

Level level() { return current_level().load(std::memory_order_relaxed); }

void set_level(Level level) { current_level().store(level, std::memory_order_relaxed); }

void write(Level at, std::string_view line) { logger().log(spdlog_levels[static_cast<std::size_t>(at)], "{}", line); }

}  // namespace strata::log

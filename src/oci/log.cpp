// Errors as lines of an engine's log file.
#include "oci/log.h"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

namespace strata::oci {

void Log::write(const std::string& message) const {
  if (path.empty()) return;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "ae"), std::fclose);
  if (!file) return;
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &utc);
  if (format == "json") {
    const nlohmann::ordered_json line = {{"level", "error"}, {"msg", message}, {"time", time}};
    fmt::print(file.get(), "{}\n", line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    fmt::print(file.get(), "{} error: {}\n", time, message);
  }
}

}  // namespace strata::oci

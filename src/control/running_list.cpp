// ps: what there is and how it is.
#include <chrono>
#include <nlohmann/json.hpp>

#include "control/container_store.h"
#include "control/run_container.h"
#include "control/running_commands.h"
#include "control/text_table.h"

namespace strata::control {
namespace {

using Json = nlohmann::ordered_json;

struct Line {
  std::string name;
  ContainerRecord record;
  container::ContainerStatus status;
  std::string state;
};

/// The supervisor's word, if there is one; what a supervisor that was killed said last is not true any more.
std::string state_of(const ContainerPlaces& places, const container::ContainerStatus& status) {
  if (!is_looked_after(places)) {
    if (status.state == "created" || status.state == "stopped") return status.state;
    return "dead";
  }
  if (status.state == "stopped" || status.state == "created") return "starting";
  if (status.state != "running") return status.state;
  const auto state = container::state(places.runtime(), places.name);
  const bool paused = state && Json::parse(*state, nullptr, false).value("status", "") == "paused";
  return paused ? "paused" : "running";
}

bool runs(const Line& line) { return line.state != "created" && line.state != "stopped"; }

Line line_of(const ContainerPlaces& places) {
  Line line{.name = places.name, .record = {}, .status = {}, .state = {}};
  if (auto record = read_record(places)) line.record = std::move(*record);
  if (auto status = container::read_status(places.folder.string())) line.status = std::move(*status);
  line.state = state_of(places, line.status);
  return line;
}

/// "3m", "2h" since an RFC 3339 time.
std::string age_of(const std::string& time) {
  std::tm utc = {};
  if (time.empty() || ::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &utc) == nullptr) return "";
  const auto seconds = std::max<int64_t>(0, std::time(nullptr) - ::timegm(&utc));
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 7200) return fmt::format("{}m", seconds / 60);
  if (seconds < 172800) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

std::string state_text(const Line& line) {
  if (line.state == "stopped" && !line.status.error.empty()) return "failed";
  if (line.state == "stopped") return fmt::format("stopped ({})", line.status.exit_code);
  if (!line.status.health.empty() && line.state == "running") return fmt::format("running, {}", line.status.health);
  return line.state;
}

Json json_of(const Line& line) {
  Json options = Json::array();
  for (const auto& [name, value] : line.record.given) options.push_back({name, value});
  return {{"name", line.name},
          {"image", line.record.image},
          {"state", line.state},
          {"pid", runs(line) ? line.status.pid : 0},
          {"exitCode", line.status.exit_code},
          {"health", line.status.health},
          {"restarts", line.status.restarts},
          {"created", line.record.created},
          {"started", line.status.started},
          {"finished", runs(line) ? "" : line.status.finished},
          {"error", line.status.error},
          {"command", line.record.command},
          {"options", std::move(options)}};
}

}  // namespace

Result<void> list_running(bool all, bool json) {
  Json array = Json::array();
  TextTable table({"NAME", "IMAGE", "STATE", "PID", "SINCE", "RESTARTS", "COMMAND"});
  for (const auto& places : STRATA_TRY(all_containers())) {
    const Line line = line_of(places);
    if (!all && !runs(line)) continue;
    if (json) {
      array.push_back(json_of(line));
      continue;
    }
    std::string command;
    for (const auto& word : line.record.command) command += (command.empty() ? "" : " ") + word;
    const std::string since = runs(line) ? line.status.started : line.status.finished;
    table.add({line.name, line.record.image, state_text(line),
               runs(line) && line.status.pid ? std::to_string(line.status.pid) : "",
               age_of(since.empty() ? line.record.created : since), std::to_string(line.status.restarts), command});
  }
  fmt::print("{}", json ? array.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : table.text());
  return {};
}

}  // namespace strata::control

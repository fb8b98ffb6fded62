// Reads a supervisor's plan.
#include "container/supervisor/plan.h"

#include "base/json_reader.h"
#include "container/files.h"
#include "container/spec/word_table.h"

#include <algorithm>

namespace strata::container {
namespace {

constexpr Word<RestartWhen> policies[] = {
    {"no", RestartWhen::never}, {"on-failure", RestartWhen::on_failure}, {"always", RestartWhen::always}};

Seconds seconds(const JsonReader& json) { return Seconds(json.number<std::uint32_t>()); }

HealthCheck read_health(const JsonReader& json) {
  return {.interval = std::max(Seconds(1), seconds(json["interval"])),
          .timeout = std::max(Seconds(1), seconds(json["timeout"])),
          .start_period = seconds(json["startPeriod"]),
          .retries = std::max(1u, json["retries"].number<unsigned>())};
}

}  // namespace

std::chrono::milliseconds restart_delay(unsigned times) {
  using namespace std::chrono_literals;
  constexpr auto first = 100ms;
  constexpr auto longest = std::chrono::milliseconds(1min);
  constexpr unsigned doublings = 10;  // past the longest
  return std::min(first * (1 << std::min(times, doublings)), longest);
}

Result<SupervisorPlan> read_plan(const std::string& bundle) {
  const std::string path = bundle + "/supervisor.json";
  const auto text = STRATA_TRY(read_file(path));
  const auto document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return fail(ErrorCode::bad_data, "{} is no JSON object", path);
  JsonProblem problem;
  const JsonReader json(&document, "", problem);
  SupervisorPlan plan;
  plan.name = json["name"].required().text();
  plan.folder = json["folder"].required().text();
  plan.remover = json["remover"].text();
  plan.terminal = json["terminal"].boolean();
  plan.input = json["input"].boolean();
  plan.log_bytes = json["log"]["bytes"].number<std::uint64_t>();
  plan.log_files = std::max(1u, json["log"]["files"].number<unsigned>());
  plan.restart = {.when = read_word(json["restart"]["when"], policies),
                  .most = json["restart"]["most"].number<unsigned>()};
  plan.stop_signal = json["stop"]["signal"].required().number<int>();
  plan.stop_timeout = seconds(json["stop"]["timeout"].required());
  if (const auto limit = json["timeout"]) plan.timeout = seconds(limit);
  if (const auto health = json["health"]) plan.health = read_health(health);
  STRATA_TRY(with_context(problem.result(), "{}", path));
  return plan;
}

}  // namespace strata::container

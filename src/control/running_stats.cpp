// stats: what containers use.
#include <unistd.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/user_folders.h"
#include "control/container_store.h"
#include "control/quantity.h"
#include "control/running_commands.h"
#include "control/text_table.h"

namespace strata::control {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct Sample {
  container::Usage usage;
  uint64_t received = 0, sent = 0;  ///< bytes of all cards but lo
  Clock::time_point when;
};

/// /proc/PID/net/dev: two lines of heading, then "NAME: BYTES-IN … (9th) BYTES-OUT".
void read_cards(pid_t process, Sample& sample) {
  const auto text = read_whole_file(fmt::format("/proc/{}/net/dev", process));
  if (!text) return;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == line.npos || line.substr(0, colon).ends_with("lo")) continue;
    std::istringstream numbers(line.substr(colon + 1));
    uint64_t number = 0;
    for (int i = 0; i < 9 && numbers >> number; ++i) {
      if (i == 0) sample.received += number;
      if (i == 8) sample.sent += number;
    }
  }
}

std::optional<Sample> sample_of(const ContainerPlaces& places) {
  const auto found = container::usage(places.runtime(), places.name);
  if (!found) return std::nullopt;
  Sample sample{.usage = found->first, .when = Clock::now()};
  read_cards(found->second, sample);
  return sample;
}

/// Of one processor, in percent, between two looks.
std::optional<double> cpu_percent(const Sample& before, const Sample& now) {
  if (!before.usage.cpu_nanoseconds || !now.usage.cpu_nanoseconds) return std::nullopt;
  const double passed = std::chrono::duration<double, std::nano>(now.when - before.when).count();
  return passed > 0 ? 100 * static_cast<double>(*now.usage.cpu_nanoseconds - *before.usage.cpu_nanoseconds) / passed
                    : 0;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

std::string of_limit(const std::optional<uint64_t>& value, const std::optional<uint64_t>& limit,
                     std::string (*text)(uint64_t)) {
  if (!value) return "-";
  return text(*value) + (limit ? " / " + text(*limit) : "");
}

std::string plain(uint64_t number) { return std::to_string(number); }

struct Look {
  std::string name;
  Sample before, now;
};

Json json_of(const Look& look) {
  const auto& usage = look.now.usage;
  return {{"name", look.name},
          {"cpuPercent", or_null(cpu_percent(look.before, look.now))},
          {"cpuNanoseconds", or_null(usage.cpu_nanoseconds)},
          {"memory", or_null(usage.memory)},
          {"memoryLimit", or_null(usage.memory_limit)},
          {"pids", or_null(usage.pids)},
          {"pidsLimit", or_null(usage.pids_limit)},
          {"blockRead", usage.read_bytes},
          {"blockWritten", usage.written_bytes},
          {"netReceived", look.now.received},
          {"netSent", look.now.sent}};
}

void print_looks(const std::vector<Look>& looks, bool json) {
  if (json) {
    Json array = Json::array();
    for (const auto& look : looks) array.push_back(json_of(look));
    fmt::print("{}\n", array.dump());
    return;
  }
  TextTable table({"NAME", "CPU", "MEMORY", "PIDS", "BLOCK READ/WRITTEN", "NET IN/OUT"});
  for (const auto& look : looks) {
    const auto& usage = look.now.usage;
    const auto cpu = cpu_percent(look.before, look.now);
    table.add({look.name, cpu ? fmt::format("{:.1f} %", *cpu) : "-",
               of_limit(usage.memory, usage.memory_limit, format_bytes), of_limit(usage.pids, usage.pids_limit, plain),
               format_bytes(usage.read_bytes) + " / " + format_bytes(usage.written_bytes),
               format_bytes(look.now.received) + " / " + format_bytes(look.now.sent)});
  }
  if (::isatty(STDOUT_FILENO)) fmt::print("\x1b[H\x1b[J");
  fmt::print("{}", table.text());
}

Result<std::vector<ContainerPlaces>> chosen(const Names& names) {
  std::vector<ContainerPlaces> all;
  for (const auto& name : names) {
    all.push_back(STRATA_TRY(find_container(name)));
    if (!is_looked_after(all.back()))
      return fail(ErrorCode::not_found, "container '{0}' is not running: 'strata start {0}' starts it", name);
  }
  if (!names.empty()) return all;
  for (auto& places : STRATA_TRY(all_containers()))
    if (is_looked_after(places)) all.push_back(std::move(places));
  return all;
}

}  // namespace

Result<void> print_stats(const StatsRequest& request) {
  constexpr std::chrono::milliseconds interval(1000), short_look(200);
  std::map<std::string, Sample> before;
  while (true) {
    const auto all = STRATA_TRY(chosen(request.names));
    std::vector<Look> looks;
    for (const auto& places : all) {
      const auto now = sample_of(places);
      if (!now) continue;
      const auto seen = before.find(places.name);
      if (seen != before.end()) looks.push_back({places.name, seen->second, *now});
      before.insert_or_assign(places.name, *now);
    }
    const bool first = looks.empty() && !all.empty();
    if (!first) {
      print_looks(looks, request.json);
      std::fflush(stdout);
      if (request.once) return {};
    }
    std::this_thread::sleep_for(first ? short_look : interval);
  }
}

}  // namespace strata::control

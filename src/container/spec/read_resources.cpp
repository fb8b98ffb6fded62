// Reads limits, of config.json and of update's file.
#include "container/spec/read_spec.h"
#include "container/spec/word_table.h"

namespace strata::container {
namespace {

constexpr Word<char> device_types[] = {{"", 'a'}, {"a", 'a'}, {"b", 'b'}, {"c", 'c'}};

DeviceRule read_device_rule(const JsonReader& json) {
  DeviceRule rule{.allow = json["allow"].boolean(),
                  .type = read_word(json["type"], device_types),
                  .major = json["major"].optional_number<std::int64_t>(),
                  .minor = json["minor"].optional_number<std::int64_t>(),
                  .access = json["access"].text()};
  // Engines written against older versions say "all" by -1.
  if (rule.major && *rule.major < 0) rule.major.reset();
  if (rule.minor && *rule.minor < 0) rule.minor.reset();
  if (rule.access.find_first_not_of("rwm") != std::string::npos) json["access"].complain("may have r, w and m only");
  return rule;
}

MemoryLimits read_memory(const JsonReader& json) {
  return {.limit = json["limit"].optional_number<std::int64_t>(),
          .reservation = json["reservation"].optional_number<std::int64_t>(),
          .swap = json["swap"].optional_number<std::int64_t>(),
          .kernel_tcp = json["kernelTCP"].optional_number<std::int64_t>(),
          .swappiness = json["swappiness"].optional_number<std::uint64_t>(),
          .disable_oom_killer = json["disableOOMKiller"].optional_boolean(),
          .check_before_update = json["checkBeforeUpdate"].boolean()};
}

CpuLimits read_cpu(const JsonReader& json) {
  return {.shares = json["shares"].optional_number<std::uint64_t>(),
          .quota = json["quota"].optional_number<std::int64_t>(),
          .burst = json["burst"].optional_number<std::uint64_t>(),
          .period = json["period"].optional_number<std::uint64_t>(),
          .realtime_runtime = json["realtimeRuntime"].optional_number<std::int64_t>(),
          .realtime_period = json["realtimePeriod"].optional_number<std::uint64_t>(),
          .cpus = json["cpus"].text(),
          .mems = json["mems"].text(),
          .idle = json["idle"].optional_number<std::int64_t>()};
}

std::vector<BlockDeviceRate> read_rates(const JsonReader& json, std::string_view field) {
  std::vector<BlockDeviceRate> rates;
  json.each([&](const JsonReader& element) {
    if (const auto rate = element[field])
      rates.push_back({.major = element["major"].number<std::int64_t>(),
                       .minor = element["minor"].number<std::int64_t>(),
                       .rate = rate.number<std::uint64_t>()});
  });
  return rates;
}

BlockLimits read_block(const JsonReader& json) {
  return {.weight = json["weight"].optional_number<std::uint16_t>(),
          .leaf_weight = json["leafWeight"].optional_number<std::uint16_t>(),
          .device_weights = read_rates(json["weightDevice"], "weight"),
          .device_leaf_weights = read_rates(json["weightDevice"], "leafWeight"),
          .read_bytes = read_rates(json["throttleReadBpsDevice"], "rate"),
          .write_bytes = read_rates(json["throttleWriteBpsDevice"], "rate"),
          .read_operations = read_rates(json["throttleReadIOPSDevice"], "rate"),
          .write_operations = read_rates(json["throttleWriteIOPSDevice"], "rate")};
}

std::string rdma_line(const JsonReader& json) {
  std::string line;
  if (const auto handles = json["hcaHandles"]) line += fmt::format(" hca_handle={}", handles.number<std::uint32_t>());
  if (const auto objects = json["hcaObjects"]) line += fmt::format(" hca_object={}", objects.number<std::uint32_t>());
  return line;
}

}  // namespace

Resources read_resources(const JsonReader& json) {
  Resources resources;
  resources.devices = json["devices"].list<DeviceRule>(read_device_rule);
  resources.memory = read_memory(json["memory"]);
  resources.cpu = read_cpu(json["cpu"]);
  resources.pids_limit = json["pids"]["limit"].optional_number<std::int64_t>();
  resources.block = read_block(json["blockIO"]);
  json["hugepageLimits"].each([&](const JsonReader& element) {
    resources.hugepage_limits[element["pageSize"].required().text()] =
        element["limit"].required().number<std::uint64_t>();
  });
  resources.network_class = json["network"]["classID"].optional_number<std::uint32_t>();
  json["network"]["priorities"].each([&](const JsonReader& element) {
    resources.network_priorities[element["name"].required().text()] = element["priority"].number<std::uint32_t>();
  });
  json["rdma"].each_field([&](const std::string& device, const JsonReader& limits) {
    resources.rdma[device] = device + rdma_line(limits);
  });
  json["unified"].each_field([&](const std::string& file, const JsonReader& value) {
    if (file.empty() || file.find('/') != std::string::npos || file.starts_with('.'))
      value.complain("is not the name of a file of a cgroup");
    resources.unified[file] = value.text();
  });
  return resources;
}

}  // namespace strata::container

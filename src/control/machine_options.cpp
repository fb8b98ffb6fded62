// The table of machine options.
#include "control/machine_options.h"

#include "control/quantity.h"

namespace strata::control {
namespace {

constexpr uint64_t least_memory = uint64_t{2} << 20, most_memory = uint64_t{1} << 40;
constexpr unsigned most_cpus = 1;
constexpr uint64_t longest_timeout = 10'000'000;

/// Takes the text up to the next comma off the front.
std::string_view next_part(std::string_view& rest) {
  const size_t comma = rest.find(',');
  const std::string_view part = rest.substr(0, comma);
  rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  return part;
}

Result<void> set_text(std::string& field, std::string_view name, std::string_view value) {
  if (value.empty()) return fail(ErrorCode::usage, "--{} is empty", name);
  field = value;
  return {};
}

Result<void> set_flag(bool& field, std::string_view name, std::string_view value) {
  if (value != "true" && value != "false")
    return fail(ErrorCode::usage, "{} '{}' is neither true nor false", name, value);
  field = value == "true";
  return {};
}

Result<void> set_memory(MachineOptions& options, std::string_view value) {
  const uint64_t bytes = STRATA_TRY(parse_bytes("--memory", value));
  if (bytes < least_memory || bytes > most_memory) {
    return fail(ErrorCode::usage, "--memory {} is not from {} to {}", value, format_bytes(least_memory),
                format_bytes(most_memory));
  }
  options.memory = bytes;
  return {};
}

Result<void> set_cpus(MachineOptions& options, std::string_view value) {
  options.cpus = static_cast<unsigned>(STRATA_TRY(parse_number("--cpus", value, 1, most_cpus)));
  return {};
}

Result<void> set_engine(MachineOptions& options, std::string_view value) {
  static constexpr std::pair<std::string_view, EngineChoice> engines[] = {{"auto", EngineChoice::automatic},
                                                                          {"kvm", EngineChoice::kvm},
                                                                          {"jit", EngineChoice::jit},
                                                                          {"interp", EngineChoice::interp}};
  for (const auto& [name, engine] : engines) {
    if (value == name) return options.engine = engine, Result<void>{};
  }
  return fail(ErrorCode::usage, "--engine '{}' is not one of auto, kvm, jit, interp", value);
}

Result<void> add_disk(MachineOptions& options, std::string_view value) {
  DiskChoice disk;
  disk.path = next_part(value);
  if (disk.path.empty()) return fail(ErrorCode::usage, "--disk needs a file: --disk FILE[,readonly][,snapshot]");
  while (!value.empty()) {
    const std::string_view part = next_part(value);
    if (part == "readonly") {
      disk.read_only = true;
    } else if (part == "snapshot") {
      disk.snapshot = true;
    } else if (part != "bus=virtio") {
      return fail(ErrorCode::usage, "--disk {}: '{}' is not one of readonly, snapshot, bus=virtio", disk.path, part);
    }
  }
  options.disks.push_back(std::move(disk));
  return {};
}

Result<void> add_net(MachineOptions& options, std::string_view value) {
  options.nets.push_back(STRATA_TRY(parse_net(value)));
  return {};
}

Result<void> set_console(MachineOptions& options, std::string_view value) {
  if (value != "stdio" && value != "none")
    return fail(ErrorCode::usage, "--console '{}' is not one of stdio, none", value);
  options.console = value == "stdio" ? ConsoleChoice::stdio : ConsoleChoice::none;
  return {};
}

Result<void> set_timeout(MachineOptions& options, std::string_view value) {
  options.timeout_seconds = STRATA_TRY(parse_number("--timeout", value, 1, longest_timeout));
  return {};
}

// clang-format off
constexpr MachineOption table[] = {
    {"cpus", "N", "processors (1)", false, set_cpus},
    {"memory", "SIZE", "RAM: 512M, 2G (1G)", false, set_memory},
    {"engine", "ENGINE", "auto, kvm, jit or interp (auto)", false, set_engine},
    {"cpu", "MODEL", "strata64 or strata32 (strata64)", false,
     [](MachineOptions& o, std::string_view v) { return set_text(o.cpu, "cpu", v); }},
    {"kernel", "FILE", "boot this kernel: bzImage, ELF with PVH, multiboot", false,
     [](MachineOptions& o, std::string_view v) { return set_text(o.kernel, "kernel", v); }},
    {"initrd", "FILE", "with this initial RAM disk", false,
     [](MachineOptions& o, std::string_view v) { return set_text(o.initrd, "initrd", v); }},
    {"append", "TEXT", "and this kernel command line", false,
     [](MachineOptions& o, std::string_view v) { o.append = v; return Result<void>{}; }},
    {"disk", "FILE[,readonly][,snapshot]", "a raw disk; snapshot: what is written is gone at the end", true, add_disk},
    {"net", "user[,forward=tcp:8080:80]|NETWORK[,vlan=10][,mac=MAC]|none", "a network card behind NAT, with ports of the host that lead in (user), or in a virtual network with the settings of a port", true, add_net},
    {"console", "stdio|none", "where the serial console is (stdio); Ctrl-] q leaves it", false, set_console},
    {"timeout", "SECONDS", "stop a machine that does not end, with exit code 124", false, set_timeout},
    {"stats", "", "print figures at the end", false,
     [](MachineOptions& o, std::string_view v) { return set_flag(o.stats, "stats", v); }},
    {"trace", "", "print where the processor goes, a line for each piece of code", false,
     [](MachineOptions& o, std::string_view v) { return set_flag(o.trace, "trace", v); }},
};
// clang-format on

}  // namespace

std::span<const MachineOption> machine_options() { return table; }

Result<void> check(const MachineOptions& options) {
  if (!options.image.empty() || !options.kernel.empty()) return {};
  if (!options.initrd.empty()) return fail(ErrorCode::usage, "--initrd {} needs a --kernel", options.initrd);
  return fail(ErrorCode::usage, "nothing to boot: name an image (strata image list), a TOML file or a --kernel");
}

}  // namespace strata::control

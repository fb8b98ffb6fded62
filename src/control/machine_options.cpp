// The table of machine options.
#include "control/machine_options.h"

#include "control/option_toml.h"
#include "control/quantity.h"

namespace strata::control {
namespace {

constexpr uint64_t least_memory = uint64_t{2} << 20, most_memory = uint64_t{1} << 40;
constexpr unsigned most_cpus = 64;
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
                                                                          {"interp", EngineChoice::interp},
                                                                          {"lockstep", EngineChoice::lockstep}};
  for (const auto& [name, engine] : engines) {
    if (value == name) return options.engine = engine, Result<void>{};
  }
  return fail(ErrorCode::usage, "--engine '{}' is not one of auto, kvm, jit, interp, lockstep", value);
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

Result<void> set_boot(MachineOptions& options, std::string_view value) {
  if (value != "init" && value != "command")
    return fail(ErrorCode::usage, "--boot '{}' is not one of init, command", value);
  options.boot = value == "init" ? BootChoice::init : BootChoice::command;
  return {};
}

Result<void> set_disk_size(MachineOptions& options, std::string_view value) {
  options.disk_bytes = STRATA_TRY(parse_bytes("--disk-size", value));
  return {};
}

Result<void> set_console(MachineOptions& options, std::string_view value) {
  if (value != "stdio" && value != "none")
    return fail(ErrorCode::usage, "--console '{}' is not one of stdio, none", value);
  options.console = value == "stdio" ? ConsoleChoice::stdio : ConsoleChoice::none;
  return {};
}

/// "ir,code=ffffffff81000000": words, of which one may end in an address for all.
Result<void> set_trace(MachineOptions& options, std::string_view value) {
  TraceChoice trace;
  std::string_view rest = value;
  do {
    const std::string_view part = next_part(rest);
    const size_t equals = part.find('=');
    const std::string_view word = part.substr(0, equals);
    bool TraceChoice::*const chosen = word == "run"    ? &TraceChoice::run
                                      : word == "ir"   ? &TraceChoice::ir
                                      : word == "code" ? &TraceChoice::code
                                                       : nullptr;
    if (chosen == nullptr)
      return fail(ErrorCode::usage, "--trace '{}' is not one of run, ir, code (such as ir,code=ffffffff81000000)",
                  word);
    trace.*chosen = true;
    if (equals == std::string_view::npos) continue;
    const uint64_t address = STRATA_TRY(parse_address("--trace", part.substr(equals + 1)));
    if (trace.address.value_or(address) != address)
      return fail(ErrorCode::usage, "--trace {} has two addresses: one is for all its words", value);
    trace.address = address;
  } while (!rest.empty());
  options.trace = trace;
  return {};
}

Result<void> set_timeout(MachineOptions& options, std::string_view value) {
  options.timeout_seconds = STRATA_TRY(parse_number("--timeout", value, 1, longest_timeout));
  return {};
}

// clang-format off
constexpr MachineOption table[] = {
    {"cpus", "N", "processors, 1 to 64 (1)", false, set_cpus},
    {"memory", "SIZE", "RAM: 512M, 2G (1G)", false, set_memory},
    {"engine", "ENGINE", "auto, kvm, jit, interp, or lockstep: jit held against interp (auto)", false, set_engine},
    {"cpu", "MODEL", "strata64 or strata32 (strata64)", false,
     [](MachineOptions& o, std::string_view v) { return set_text(o.cpu, "cpu", v); }},
    {"kernel", "FILE", "boot this kernel: bzImage, ELF with PVH, multiboot", false,
     [](MachineOptions& o, std::string_view v) { return set_text(o.kernel, "kernel", v); }},
    {"initrd", "FILE", "with this initial RAM disk", false,
     [](MachineOptions& o, std::string_view v) { return set_text(o.initrd, "initrd", v); }},
    {"append", "TEXT", "and this kernel command line", false,
     [](MachineOptions& o, std::string_view v) { o.append = v; return Result<void>{}; }},
    {"disk", "FILE[,readonly][,snapshot]", "a raw disk; snapshot: what is written is gone at the end", true, add_disk},
    {"disk-size", "SIZE", "of the disk that is made of an image's layers (4G, or twice what is in them)", false, set_disk_size},
    {"boot", "init|command", "what of an image: its own first process, or its command (init if it brings a kernel and no command is given)", false, set_boot},
    {"env", "NAME[=VALUE]", "an environment variable; without a value, ours", true,
     [](MachineOptions& o, std::string_view v) { return add_env(o.program, v); }},
    {"user", "USER[:GROUP]", "who runs the program; names are looked up inside", false,
     [](MachineOptions& o, std::string_view v) { return set_user(o.program, v); }},
    {"workdir", "PATH", "where the program begins", false,
     [](MachineOptions& o, std::string_view v) { return set_workdir(o.program, v); }},
    {"hostname", "NAME", "the machine's name (the image's)", false,
     [](MachineOptions& o, std::string_view v) { return set_hostname(o.program, v); }},
    {"entrypoint", "PROGRAM", "run this in place of the image's entrypoint; empty: none", false,
     [](MachineOptions& o, std::string_view v) { o.program.entrypoint = v; return Result<void>{}; }},
    {"net", "user[,forward=tcp:8080:80]|NETWORK[,vlan=10][,mac=MAC]|none", "a network card behind NAT, with ports of the host that lead in (user), or in a virtual network with the settings of a port", true, add_net},
    {"console", "stdio|none", "where the serial console is (stdio); Ctrl-] q leaves it", false, set_console},
    {"timeout", "SECONDS", "stop a machine that does not end, with exit code 124", false, set_timeout},
    {"stats", "", "print figures at the end", false,
     [](MachineOptions& o, std::string_view v) { return set_flag(o.stats, "stats", v); }},
    {"trace", "WORD[,WORD][=ADDRESS]", "print of each unit: run (a line as it runs), ir, code (as it is made); =ADDRESS: only of those that hold it", false, set_trace},
    {"icount", "", "count time in instructions: a run that can be repeated; no disks, network or input", false,
     [](MachineOptions& o, std::string_view v) { return set_flag(o.icount, "icount", v); }},
    {"perf-map", "", "write /tmp/perf-PID.map, by which tools/perf_guest names translated code in a profile", false,
     [](MachineOptions& o, std::string_view v) { return set_flag(o.perf_map, "perf-map", v); }},
};
// clang-format on

/// What answers when the host has the answer has no place in a run that is to be repeated.
Result<void> check_counted(const MachineOptions& options) {
  const std::string_view word = options.icount ? "--icount" : "--engine lockstep";
  if (options.icount && options.engine == EngineChoice::kvm)
    return fail(ErrorCode::usage, "--icount counts instructions, which --engine kvm does not");
  if (options.cpus != 1)
    return fail(ErrorCode::usage, "{} runs one processor: --cpus 1, for the order in which several work is the host's",
                word);
  if (!options.image.empty() || !options.disks.empty())
    return fail(ErrorCode::usage, "{} runs a --kernel with an --initrd: images and disks answer in the host's time",
                word);
  for (const NetChoice& net : options.nets)
    if (net.kind != NetChoice::Kind::none) return fail(ErrorCode::usage, "{} runs without network: --net none", word);
  return {};
}

}  // namespace

std::span<const MachineOption> machine_options() { return table; }

Result<void> read_machine_toml(const std::string& path, MachineOptions& options) {
  return read_option_toml(path, options.image, [&](std::string_view key) -> std::optional<TomlKey> {
    const MachineOption* option = find_option<MachineOptions>(machine_options(), key);
    if (!option) return std::nullopt;
    return TomlKey{option->repeated, [&, option](std::string_view value) { return option->set(options, value); }};
  });
}

Result<void> check(const MachineOptions& options) {
  if (options.engine == EngineChoice::kvm && (options.trace.any() || options.perf_map))
    return fail(ErrorCode::usage, "--trace and --perf-map show Strata's own engine: --engine jit or interp, not kvm");
  if (options.engine == EngineChoice::kvm && options.cpus != 1)
    return fail(ErrorCode::usage, "--engine kvm runs one processor: --cpus 1, or --engine jit");
  if (options.icount || options.engine == EngineChoice::lockstep) STRATA_TRY(check_counted(options));
  if (!options.image.empty() || !options.kernel.empty()) return {};
  if (!options.initrd.empty()) return fail(ErrorCode::usage, "--initrd {} needs a --kernel", options.initrd);
  return fail(ErrorCode::usage, "nothing to boot: name an image (strata image list), a TOML file or a --kernel");
}

}  // namespace strata::control

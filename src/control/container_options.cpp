// The table of container options.
#include "control/container_options.h"

#include <algorithm>

#include "control/container_words.h"
#include "control/option_toml.h"
#include "control/quantity.h"

namespace strata::control {
namespace {

using Options = ContainerOptions;
using Text = std::string_view;

constexpr int64_t least_memory = int64_t{4} << 20;
constexpr unsigned most_milli_cpus = 1'000'000;
constexpr uint64_t most_pids = 4'000'000;

Result<void> set_memory(Options& options, Text value) {
  const uint64_t bytes = STRATA_TRY(parse_bytes("the value", value));
  if (bytes < static_cast<uint64_t>(least_memory) || bytes > uint64_t{1} << 50)
    return fail(ErrorCode::usage, "{} is not from {} to 1024 TiB", value, format_bytes(least_memory));
  options.memory = static_cast<int64_t>(bytes);
  return {};
}

Result<void> set_cpus(Options& options, Text value) {
  const unsigned milli = STRATA_TRY(parse_thousandths("the value", value));
  if (milli < 10 || milli > most_milli_cpus)
    return fail(ErrorCode::usage, "{} is not from 0.01 to {}", value, most_milli_cpus / 1000);
  options.milli_cpus = milli;
  return {};
}

Result<void> set_pids(Options& options, Text value) {
  options.pids = static_cast<int64_t>(STRATA_TRY(parse_number("the value", value, 1, most_pids)));
  return {};
}

Result<void> set_restart(Options& options, Text value) {
  options.restart = STRATA_TRY(parse_restart(value));
  return {};
}

Result<void> set_users(Options& options, Text value) {
  if (value != "own" && value != "host") return fail(ErrorCode::usage, "'{}' is not one of own, host", value);
  options.users = value == "own" ? UserSpace::own : UserSpace::host;
  return {};
}

Result<void> set_log_files(Options& options, Text value) {
  options.log_files = static_cast<unsigned>(STRATA_TRY(parse_number("the value", value, 1, 100)));
  return {};
}

Result<void> set_log_size(Options& options, Text value) {
  options.log_bytes = value == "0" ? 0 : STRATA_TRY(parse_bytes("the value", value));
  if (options.log_bytes != 0 && options.log_bytes < 1024)
    return fail(ErrorCode::usage, "{} is less than 1K (0 is no log)", value);
  return {};
}

Result<void> set_health_retries(Options& options, Text value) {
  options.health_retries = static_cast<unsigned>(STRATA_TRY(parse_number("the value", value, 1, 1000)));
  return {};
}

template <auto Options::*field>
Result<void> set_flag(Options& options, Text value) {
  if (value != "true" && value != "false") return fail(ErrorCode::usage, "'{}' is neither true nor false", value);
  options.*field = value == "true";
  return {};
}

/// A time of at least a second (or `least`) in a field.
template <auto Options::*field, int least = 1>
Result<void> set_time(Options& options, Text value) {
  options.*field = STRATA_TRY(parse_seconds("the value", value, container::Seconds(least)));
  return {};
}

template <auto Options::*field>
Result<void> set_text(Options& options, Text value) {
  if (value.empty()) return fail(ErrorCode::usage, "an empty value");
  options.*field = std::string(value);
  return {};
}

// clang-format off
constexpr ContainerOption table[] = {
    {"name", "NAME", "its name; one without is given a name, and in the foreground is gone at its end", false,
     [](Options& o, Text v) -> Result<void> { STRATA_TRY(check_container_name(v)); o.name = v; return {}; }},
    {"interactive", "", "pass standard input on", false, set_flag<&Options::input>, 'i'},
    {"tty", "", "give it a terminal; Ctrl-] q leaves it", false, set_flag<&Options::terminal>, 't'},
    {"detach", "", "run in the background, print its name", false, set_flag<&Options::detach>, 'd'},
    {"rm", "", "remove it at its end", false, set_flag<&Options::remove>},
    {"memory", "SIZE", "the most memory it may use: 256M, 2G", false, set_memory},
    {"cpus", "N", "the most processor time it may use: 0.5, 2", false, set_cpus},
    {"pids", "N", "the most processes and threads (2048)", false, set_pids},
    {"volume", "VOLUME:PATH[:ro]", "a named volume at that path; made when it is first used", true,
     [](Options& o, Text v) -> Result<void> { o.folders.push_back(STRATA_TRY(parse_volume(v))); return {}; }},
    {"share", "DIR:PATH[:ro]", "a folder or file of the host at that path", true, add_share},
    {"tmpfs", "PATH[:SIZE]", "an empty file system in memory at that path", true,
     [](Options& o, Text v) -> Result<void> { o.tmpfs.push_back(STRATA_TRY(parse_tmpfs(v))); return {}; }},
    {"net", "NETWORK", "its network", true, add_net},
    {"env", "NAME[=VALUE]", "an environment variable; without a value, ours", true, add_env},
    {"env-file", "FILE", "variables from a file, NAME=VALUE in each line", true, add_env_file},
    {"user", "USER[:GROUP]", "who runs the program; names are looked up inside", false, set_text<&Options::user>},
    {"workdir", "PATH", "where the program begins", false, set_workdir},
    {"hostname", "NAME", "its host name (its name)", false,
     [](Options& o, Text v) -> Result<void> { STRATA_TRY(check_host_name(v)); o.hostname = v; return {}; }},
    {"read-only", "", "nothing can be written but volumes, shares and tmpfs", false, set_flag<&Options::read_only>},
    {"entrypoint", "PROGRAM", "run this in place of the image's entrypoint; empty: none", false,
     [](Options& o, Text v) -> Result<void> { o.entrypoint = v; return {}; }},
    {"init", "", "a small first process that passes signals on and reaps", false, set_flag<&Options::init>},
    {"restart", "WHEN", "no, on-failure[:N] or always: start it again when it ends by itself (no)", false, set_restart},
    {"health-cmd", "COMMAND", "a shell command that says by its exit code whether all is well; empty: none", false,
     [](Options& o, Text v) -> Result<void> { o.health_command = v; return {}; }},
    {"health-interval", "TIME", "how often: 30s, 5m (30s)", false, set_time<&Options::health_interval>},
    {"health-timeout", "TIME", "a check that takes longer has failed (30s)", false, set_time<&Options::health_timeout>},
    {"health-start", "TIME", "failures this long after the start do not count (0)", false, set_time<&Options::health_start, 0>},
    {"health-retries", "N", "unhealthy after this many failures in a row (3)", false, set_health_retries},
    {"log-size", "SIZE", "of one log file; 0: no log (10M)", false, set_log_size},
    {"log-files", "N", "how many log files are kept (3)", false, set_log_files},
    {"stop-signal", "SIGNAL", "what asks it to end (the image's, or TERM)", false,
     [](Options& o, Text v) -> Result<void> { o.stop_signal = STRATA_TRY(parse_signal("the value", v)); return {}; }},
    {"stop-timeout", "TIME", "from that signal to KILL (10s)", false, set_time<&Options::stop_timeout, 0>},
    {"timeout", "TIME", "stop one that does not end, with exit code 124", false, set_time<&Options::timeout>},
    {"cap-add", "CAP", "one more capability, or ALL", true,
     [](Options& o, Text v) -> Result<void> { o.added_capabilities.push_back(STRATA_TRY(parse_capability("the value", v))); return {}; }},
    {"cap-drop", "CAP", "one capability less, or ALL", true,
     [](Options& o, Text v) -> Result<void> { o.dropped_capabilities.push_back(STRATA_TRY(parse_capability("the value", v))); return {}; }},
    {"seccomp", "FILE|unconfined", "another filter of system calls (OCI's linux.seccomp), or none", false, set_seccomp},
    {"landlock", "RULE[,RULE]",
     "let the kernel refuse more: read-only, or write=PATH for what is below; bind=PORT and connect=PORT for TCP, or bind=none, connect=none",
     true, [](Options& o, Text v) { return add_landlock_rules(o.landlock, v); }},
    {"users", "own|host", "its own user namespace, or the host's users (own)", false, set_users},
    {"new-privileges", "", "let set-uid programs work", false, set_flag<&Options::new_privileges>},
    {"device", "DEVICE[:PATH][:rwm]", "a device of the host", true,
     [](Options& o, Text v) -> Result<void> { o.devices.push_back(STRATA_TRY(parse_device(v))); return {}; }},
    {"ulimit", "NAME=SOFT[:HARD]", "a resource limit: nofile=1024:4096", true,
     [](Options& o, Text v) -> Result<void> { o.limits.push_back(STRATA_TRY(parse_limit(v))); return {}; }},
    {"sysctl", "NAME=VALUE", "a kernel setting of its own namespaces: net.core.somaxconn=1024", true, add_sysctl},
};
// clang-format on

}  // namespace

std::span<const ContainerOption> container_options() { return table; }

Result<void> give_option(ContainerOptions& options, const ContainerOption& option, std::string_view value) {
  const size_t before = options.given.size();
  STRATA_TRY(with_context(option.set(options, value), "--{}", option.name));
  // A setter that has said it in its own words has been heard.
  if (options.given.size() == before) options.given.emplace_back(option.name, value);
  return {};
}

Result<void> read_container_toml(const std::string& path, ContainerOptions& options) {
  return read_option_toml(path, options.image, [&](std::string_view key) -> std::optional<TomlKey> {
    if (key == "command")
      return TomlKey{.repeated = true, .set = [&](std::string_view value) {
                       options.command.emplace_back(value);
                       return Result<void>{};
                     }};
    const ContainerOption* option = find_option<ContainerOptions>(table, key);
    if (!option) return std::nullopt;
    return TomlKey{option->repeated,
                   [&, option](std::string_view value) { return give_option(options, *option, value); }};
  });
}

Result<void> check(const ContainerOptions& options) {
  if (options.image.empty()) return fail(ErrorCode::usage, "nothing to run: name an image (strata image list)");
  if (options.detach && options.remove && options.restart && options.restart->when != container::RestartWhen::never)
    return fail(ErrorCode::usage, "--rm and --restart do not go together: what is removed cannot be started again");
  if (options.restart && options.restart->when != container::RestartWhen::never && !options.detach)
    return fail(ErrorCode::usage, "--restart goes with --detach");
  return {};
}

}  // namespace strata::control

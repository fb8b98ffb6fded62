// Reads the `process` part of config.json.
#include "container/spec/read_spec.h"
#include "container/spec/word_table.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cctype>

namespace strata::container {
namespace {

// In the order of the kernel's numbers (linux/capability.h).
constexpr std::string_view capability_names[] = {"CHOWN",
                                                 "DAC_OVERRIDE",
                                                 "DAC_READ_SEARCH",
                                                 "FOWNER",
                                                 "FSETID",
                                                 "KILL",
                                                 "SETGID",
                                                 "SETUID",
                                                 "SETPCAP",
                                                 "LINUX_IMMUTABLE",
                                                 "NET_BIND_SERVICE",
                                                 "NET_BROADCAST",
                                                 "NET_ADMIN",
                                                 "NET_RAW",
                                                 "IPC_LOCK",
                                                 "IPC_OWNER",
                                                 "SYS_MODULE",
                                                 "SYS_RAWIO",
                                                 "SYS_CHROOT",
                                                 "SYS_PTRACE",
                                                 "SYS_PACCT",
                                                 "SYS_ADMIN",
                                                 "SYS_BOOT",
                                                 "SYS_NICE",
                                                 "SYS_RESOURCE",
                                                 "SYS_TIME",
                                                 "SYS_TTY_CONFIG",
                                                 "MKNOD",
                                                 "LEASE",
                                                 "AUDIT_WRITE",
                                                 "AUDIT_CONTROL",
                                                 "SETFCAP",
                                                 "MAC_OVERRIDE",
                                                 "MAC_ADMIN",
                                                 "SYSLOG",
                                                 "WAKE_ALARM",
                                                 "BLOCK_SUSPEND",
                                                 "AUDIT_READ",
                                                 "PERFMON",
                                                 "BPF",
                                                 "CHECKPOINT_RESTORE"};
static_assert(std::size(capability_names) == CAP_LAST_CAP + 1);

constexpr Word<int> limit_names[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},       {"RLIMIT_FSIZE", RLIMIT_FSIZE},       {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},   {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK}};

constexpr Word<std::uint32_t> policies[] = {{"SCHED_OTHER", 0},   {"SCHED_FIFO", 1}, {"SCHED_RR", 2},
                                            {"SCHED_BATCH", 3},   {"SCHED_ISO", 4},  {"SCHED_IDLE", 5},
                                            {"SCHED_DEADLINE", 6}};

constexpr Word<std::uint64_t> scheduler_flags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},  {"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
    {"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},        {"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
    {"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},      {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX}};

// ioprio_set(2): the class above, seven priorities below.
constexpr int io_class_shift = 13;
constexpr Word<int> io_classes[] = {{"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};

std::uint64_t read_capability_set(const JsonReader& json) {
  std::uint64_t set = 0;
  json.each([&](const JsonReader& element) {
    // The specification has a runtime pass over names that it does not know, so that old runtimes take new lists.
    if (const int number = capability_number(element.text()); number >= 0) set |= std::uint64_t{1} << number;
  });
  return set;
}

Capabilities read_capabilities(const JsonReader& json) {
  return {.bounding = read_capability_set(json["bounding"]),
          .effective = read_capability_set(json["effective"]),
          .inheritable = read_capability_set(json["inheritable"]),
          .permitted = read_capability_set(json["permitted"]),
          .ambient = read_capability_set(json["ambient"])};
}

std::vector<ResourceLimit> read_limits(const JsonReader& json) {
  auto limits = json.list<ResourceLimit>([](const JsonReader& element) {
    ResourceLimit limit{.resource = read_word(element["type"].required(), limit_names),
                        .name = {},
                        .soft = element["soft"].required().number<std::uint64_t>(),
                        .hard = element["hard"].required().number<std::uint64_t>()};
    for (const auto& row : limit_names)
      if (row.value == limit.resource) limit.name = row.word;
    if (limit.soft > limit.hard) element.complain("soft is above hard");
    return limit;
  });
  std::vector<int> seen;
  for (const auto& limit : limits) {
    if (std::ranges::find(seen, limit.resource) != seen.end()) json.complain("names a limit twice");
    seen.push_back(limit.resource);
  }
  return limits;
}

User read_user(const JsonReader& json) {
  return {
      .name = {},
      .uid = json["uid"].number<uid_t>(),
      .gid = json["gid"].number<gid_t>(),
      .umask = json["umask"].optional_number<mode_t>(),
      .additional_gids = json["additionalGids"].list<gid_t>([](const JsonReader& id) { return id.number<gid_t>(); })};
}

Scheduler read_scheduler(const JsonReader& json) {
  Scheduler scheduler{.policy = read_word(json["policy"].required(), policies),
                      .nice = json["nice"].number<std::int32_t>(),
                      .priority = json["priority"].number<std::uint32_t>(),
                      .runtime = json["runtime"].number<std::uint64_t>(),
                      .deadline = json["deadline"].number<std::uint64_t>(),
                      .period = json["period"].number<std::uint64_t>()};
  json["flags"].each([&](const JsonReader& flag) { scheduler.flags |= read_word(flag, scheduler_flags); });
  return scheduler;
}

int read_io_priority(const JsonReader& json) {
  const int kind = read_word(json["class"].required(), io_classes);
  const int priority = json["priority"].number<int>();
  if (priority < 0 || priority > 7) json["priority"].complain("must be from 0 to 7");
  return (kind << io_class_shift) | priority;
}

}  // namespace

int capability_number(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
  std::string_view bare = upper;
  if (bare.starts_with("CAP_")) bare.remove_prefix(4);
  const auto* found = std::ranges::find(capability_names, bare);
  return found == std::end(capability_names) ? -1 : static_cast<int>(found - capability_names);
}

std::vector<std::string> known_capabilities() {
  std::vector<std::string> all;
  for (const auto name : capability_names) all.push_back("CAP_" + std::string(name));
  return all;
}

Process read_process(const JsonReader& json) {
  Process process;
  process.terminal = json["terminal"].boolean();
  if (const auto size = json["consoleSize"])
    process.console_size =
        TerminalSize{.height = size["height"].number<std::uint16_t>(), .width = size["width"].number<std::uint16_t>()};
  process.user = read_user(json["user"]);
  process.user.name = json["strata"]["user"].text();  // our own: other runtimes pass over it
  process.args = json["args"].required().texts();
  if (process.args.empty()) json["args"].complain("must name a program");
  process.env = json["env"].texts();
  process.cwd = json["cwd"].required().text();
  if (!process.cwd.starts_with('/')) json["cwd"].complain("must be an absolute path");
  if (const auto capabilities = json["capabilities"]) process.capabilities = read_capabilities(capabilities);
  process.limits = read_limits(json["rlimits"]);
  process.no_new_privileges = json["noNewPrivileges"].boolean();
  process.apparmor_profile = json["apparmorProfile"].text();
  process.selinux_label = json["selinuxLabel"].text();
  process.oom_score_adj = json["oomScoreAdj"].optional_number<int>();
  if (const auto scheduler = json["scheduler"]) process.scheduler = read_scheduler(scheduler);
  if (const auto priority = json["ioPriority"]) process.io_priority = read_io_priority(priority);
  process.exec_cpus_initial = json["execCPUAffinity"]["initial"].text();
  process.exec_cpus_final = json["execCPUAffinity"]["final"].text();
  return process;
}

}  // namespace strata::container

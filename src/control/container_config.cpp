// Making configurations out of images and options, closed unless an option opens them.
#include "control/container_config.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/user_folders.h"
#include "container/files.h"
#include "container/spec/read_spec.h"
#include "control/seccomp_profile.h"

namespace strata::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t usual_pids = 2048, cpu_period = 100'000;
constexpr uint64_t usual_open_files = 1024, most_open_files = 524'288;
constexpr std::string_view init_path = "/dev/.strata-init";  // in a tmpfs, so that the image needs no such file

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Whether all users of an ordinary image are there, and not only root.
bool has_many_users(const IdMaps& maps) {
  uint64_t count = 0;
  for (const auto& range : maps.users) count += range.count;
  return maps.empty() || count > 1;
}

std::vector<std::string> capabilities_of(const ContainerOptions& options) {
  std::vector<std::string> all = usual_capabilities();
  const auto known = container::known_capabilities();
  for (const auto& name : options.dropped_capabilities)
    std::erase_if(all, [&](const auto& one) { return name == "ALL" || one == name; });
  for (const auto& name : options.added_capabilities) {
    if (name == "ALL") all = known;
    else if (std::ranges::find(all, name) == all.end()) all.push_back(name);
  }
  return all;
}

Json mount(std::string_view target, std::string_view type, std::string_view source, std::vector<std::string> options) {
  return {{"destination", target}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

/// Mounts of the kernel's own, as the runtime specification lists them for Linux.
Json kernel_mounts(const ContainerSetup& setup) {
  Json mounts = Json::array();
  mounts.push_back(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  std::vector<std::string> terminals = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
  if (has_many_users(setup.maps)) terminals.emplace_back("gid=5");  // tty, in every distribution
  mounts.push_back(mount("/dev/pts", "devpts", "devpts", std::move(terminals)));
  mounts.push_back(mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}));
  mounts.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  // sysfs shows a network namespace, and is for those who own that.
  if (setup.net.own_space || setup.maps.empty())
    mounts.push_back(mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}));
  else mounts.push_back(mount("/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "rro"}));
  if (setup.net.own_space || setup.maps.empty())
    mounts.push_back(mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}));
  return mounts;
}

/// A file or folder of the host. For root's own user namespaces its owners are told as inside; an ordinary user's map
/// stays the same from container to container, so that owners are what they are.
Json bind(const ContainerSetup& setup, const std::string& source, const std::string& target, bool read_only) {
  std::vector<std::string> options = {"rbind", "nosuid", "nodev", read_only ? "rro" : "rw"};
  if (!setup.maps.empty() && ::geteuid() == 0) options.emplace_back("idmap");
  return mount(target, "none", source, std::move(options));
}

Result<Json> all_mounts(const ContainerSetup& setup) {
  Json mounts = kernel_mounts(setup);
  const ContainerNetworkPlace network{setup.places.name, setup.places.running};
  mounts.push_back(
      mount("/etc/resolv.conf", "none", network.resolv_conf().string(), {"bind", "nosuid", "nodev", "noexec", "ro"}));
  mounts.push_back(mount("/etc/hosts", "none", network.hosts().string(), {"bind", "nosuid", "nodev", "noexec", "ro"}));
  for (const auto& tmpfs : setup.options.tmpfs) {
    std::vector<std::string> words = {"nosuid", "nodev", "mode=1777"};
    if (tmpfs.bytes) words.push_back(fmt::format("size={}", *tmpfs.bytes));
    mounts.push_back(mount(tmpfs.target, "tmpfs", "tmpfs", std::move(words)));
  }
  for (const auto& folder : setup.options.folders) {
    const std::string source = folder.volume ? STRATA_TRY(volume_folder(folder.source)).string() : folder.source;
    mounts.push_back(bind(setup, source, folder.target, folder.read_only));
  }
  if (setup.options.init)
    mounts.push_back(
        mount(init_path, "none", STRATA_TRY(own_program("strata-init")), {"bind", "nosuid", "nodev", "ro"}));
  return mounts;
}

Json limits_json(const ContainerOptions& options) {
  Json list = Json::array();
  bool open_files = false;
  for (const auto& limit : options.limits) {
    list.push_back({{"type", limit.name}, {"soft", limit.soft}, {"hard", limit.hard}});
    open_files |= limit.name == "RLIMIT_NOFILE";
  }
  // Not what the caller's shell happens to have, as far as that allows.
  rlimit own = {};
  ::getrlimit(RLIMIT_NOFILE, &own);
  const uint64_t hard = std::min<uint64_t>(own.rlim_max, most_open_files);
  if (!open_files)
    list.push_back({{"type", "RLIMIT_NOFILE"}, {"soft", std::min(hard, usual_open_files)}, {"hard", hard}});
  return list;
}

Program program_of(const ContainerSetup& setup) {
  const ContainerOptions& options = setup.options;
  ProgramChoice choice{.words = options.command, .entrypoint = options.entrypoint, .env = options.env};
  if (!options.user.empty()) choice.user = options.user;
  if (!options.workdir.empty()) choice.workdir = options.workdir;
  return choose_program(setup.image, choice, options.terminal);
}

std::string host_name_of(const ContainerSetup& setup) {
  if (!setup.options.hostname.empty()) return setup.options.hostname;
  std::string name = setup.places.name.substr(0, 63);
  std::ranges::replace(name, '_', '-');
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  return name;
}

Result<Json> process_json(const ContainerSetup& setup, const std::vector<std::string>& capabilities) {
  Program program = program_of(setup);
  if (program.arguments.empty())
    return fail(ErrorCode::usage, "image {} says nothing to run: give a program behind its name", setup.options.image);
  if (setup.options.init) program.arguments.insert(program.arguments.begin(), {std::string(init_path), "--"});
  Json process = {
      {"terminal", setup.options.terminal},
      {"user", {{"uid", 0}, {"gid", 0}}},
      {"args", program.arguments},
      {"env", program.env},
      {"cwd", program.directory},
      {"capabilities", {{"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}}},
      {"rlimits", limits_json(setup.options)},
      {"noNewPrivileges", !setup.options.new_privileges}};
  if (!program.user.empty()) process["strata"]["user"] = program.user;
  if (setup.options.terminal && setup.terminal_size)
    process["consoleSize"] = {{"height", setup.terminal_size->height}, {"width", setup.terminal_size->width}};
  return process;
}

Json resources_of(const ContainerOptions& options) {
  Json resources = Json::object();
  if (options.memory) resources["memory"] = {{"limit", *options.memory}};
  if (options.milli_cpus)
    resources["cpu"] = {{"period", cpu_period}, {"quota", int64_t{*options.milli_cpus} * cpu_period / 1000}};
  // An ordinary user has no cgroup that could keep the usual limit; one that is asked for is an error there.
  if (options.pids) resources["pids"] = {{"limit", *options.pids}};
  else if (::geteuid() == 0) resources["pids"] = {{"limit", usual_pids}};
  return resources;
}

Result<void> add_devices(const ContainerSetup& setup, Json& linux) {
  Json rules = Json::array({{{"allow", false}, {"access", "rwm"}}});
  Json nodes = Json::array();
  for (const auto& device : setup.options.devices) {
    struct stat found = {};
    if (::stat(device.path.c_str(), &found) != 0) return fail_errno("--device {}", device.path);
    const char* const type = S_ISCHR(found.st_mode) ? "c" : "b";
    const auto first = ::major(found.st_rdev), second = ::minor(found.st_rdev);
    nodes.push_back({{"path", device.target},
                     {"type", type},
                     {"major", first},
                     {"minor", second},
                     {"fileMode", found.st_mode & 0777}});
    rules.push_back({{"allow", true}, {"type", type}, {"major", first}, {"minor", second}, {"access", device.access}});
  }
  if (!nodes.empty()) linux["devices"] = std::move(nodes);
  if (::geteuid() == 0) linux["resources"]["devices"] = std::move(rules);
  return {};
}

Result<Json> seccomp_of(const ContainerOptions& options, const std::vector<std::string>& capabilities) {
  if (options.seccomp.empty()) return default_seccomp(capabilities);
  const std::string text = STRATA_TRY(read_whole_file(options.seccomp));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(ErrorCode::bad_data, "--seccomp {} is no JSON object", options.seccomp);
  return json;
}

Result<Json> linux_json(const ContainerSetup& setup, const std::vector<std::string>& capabilities) {
  Json linux = {{"resources", resources_of(setup.options)}};
  linux["cgroupsPath"] = (::geteuid() == 0 ? "/strata/" : "strata-") + setup.places.name;
  Json namespaces = Json::array();
  for (const char* type : {"pid", "ipc", "uts", "mount", "cgroup"}) namespaces.push_back({{"type", type}});
  if (setup.net.own_space) namespaces.push_back({{"type", "network"}});
  if (!setup.maps.empty()) {
    namespaces.push_back({{"type", "user"}});
    linux["uidMappings"] = ranges_json(setup.maps.users);
    linux["gidMappings"] = ranges_json(setup.maps.groups);
  }
  linux["namespaces"] = std::move(namespaces);
  for (const auto& [name, value] : setup.options.sysctls) linux["sysctl"][name] = value;
  STRATA_TRY(add_devices(setup, linux));
  if (setup.options.seccomp != "unconfined") linux["seccomp"] = STRATA_TRY(seccomp_of(setup.options, capabilities));
  // Of /proc and /sys what tells of the host or would change it.
  linux["maskedPaths"] = {"/proc/acpi",
                          "/proc/asound",
                          "/proc/interrupts",
                          "/proc/kcore",
                          "/proc/keys",
                          "/proc/latency_stats",
                          "/proc/sched_debug",
                          "/proc/scsi",
                          "/proc/timer_list",
                          "/proc/timer_stats",
                          "/sys/devices/virtual/powercap",
                          "/sys/firmware"};
  linux["readonlyPaths"] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return linux;
}

Json overlay_json(const image::RootPlan::Overlay& overlay) {
  Json lower = Json::array();
  for (const auto& folder : overlay.lower) lower.push_back(folder.string());
  return {{"lower", std::move(lower)}, {"upper", overlay.upper.string()}, {"work", overlay.work.string()}};
}

/// The network is brought up between create and start, again at each start: by a hook of the runtime.
Result<Json> hooks_json(const ContainerSetup& setup) {
  if (!setup.net.own_space || setup.net.cards.empty()) return Json();
  const std::string strata = STRATA_TRY(own_program("strata"));
  // A hook has only the variables that it is given.
  Json env = Json::array();
  for (const char* name : {"HOME", "PATH", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "STRATA_LOG"})
    if (const char* const value = std::getenv(name)) env.push_back(fmt::format("{}={}", name, value));
  const Json hook = {
      {"path", strata}, {"args", {"strata", "container-network", setup.places.name}}, {"env", std::move(env)}};
  return Json{{"createRuntime", Json::array({hook})}};
}

/// What goes beyond the specification, or null.
Json extension_json(const ContainerSetup& setup) {
  Json extension;
  if (setup.root.overlay) extension["overlay"] = overlay_json(*setup.root.overlay);
  const LandlockChoice& landlock = setup.options.landlock;
  if (landlock.writable) extension["landlock"]["writable"] = *landlock.writable;
  if (landlock.bind_ports) extension["landlock"]["bindTcp"] = *landlock.bind_ports;
  if (landlock.connect_ports) extension["landlock"]["connectTcp"] = *landlock.connect_ports;
  return extension;
}

/// The check as a process of `exec`, or null: none.
Json health_process(const ContainerSetup& setup, const Json& process) {
  std::vector<std::string> words;
  const auto shell = [](const std::string& line) { return std::vector<std::string>{"/bin/sh", "-c", line}; };
  if (setup.options.health_command) {
    if (!setup.options.health_command->empty()) words = shell(*setup.options.health_command);
  } else if (setup.image.health_check && setup.image.health_check->test.size() > 1) {
    const auto& test = setup.image.health_check->test;
    if (test[0] == "CMD-SHELL") words = shell(test[1]);
    else if (test[0] == "CMD") words.assign(test.begin() + 1, test.end());
  }
  if (words.empty()) return nullptr;
  Json check = process;
  check["args"] = words;
  check["terminal"] = false;
  check.erase("consoleSize");
  return check;
}

Json health_json(const ContainerSetup& setup) {
  const container::HealthCheck usual;
  const auto& options = setup.options;
  const auto choose = [](const std::optional<container::Seconds>& given, std::chrono::nanoseconds of_image,
                         container::Seconds otherwise) {
    if (given) return given->count();
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(of_image);
    return seconds.count() > 0 ? seconds.count() : otherwise.count();
  };
  const image::HealthCheck image = setup.image.health_check.value_or(image::HealthCheck{});
  const unsigned retries =
      options.health_retries.value_or(image.retries > 0 ? static_cast<unsigned>(image.retries) : usual.retries);
  return {{"interval", choose(options.health_interval, image.interval, usual.interval)},
          {"timeout", choose(options.health_timeout, image.timeout, usual.timeout)},
          {"startPeriod", choose(options.health_start, image.start_period, usual.start_period)},
          {"retries", retries}};
}

std::string_view word_of(container::RestartWhen when) {
  switch (when) {
    case container::RestartWhen::never: return "no";
    case container::RestartWhen::on_failure: return "on-failure";
    case container::RestartWhen::always: return "always";
  }
  return "";
}

}  // namespace

std::vector<std::string> usual_capabilities() {
  return {"CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
          "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
          "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};
}

std::string resources_json(const ContainerOptions& options) { return text_of(resources_of(options)); }

Result<void> write_supervisor_plan(const ContainerSetup& setup) {
  const ContainerOptions& options = setup.options;
  const container::RestartPolicy restart = options.restart.value_or(container::RestartPolicy{});
  const int image_signal = setup.image.stop_signal.empty()
                               ? SIGTERM
                               : parse_signal("the image's stop signal", setup.image.stop_signal).value_or(SIGTERM);
  Json plan = {
      {"name", setup.places.name},
      {"folder", setup.places.running.string()},
      {"terminal", options.terminal},
      {"input", options.input},
      {"log", {{"bytes", options.log_bytes}, {"files", options.log_files}}},
      {"restart", {{"when", word_of(restart.when)}, {"most", restart.most}}},
      {"stop", {{"signal", options.stop_signal.value_or(image_signal)}, {"timeout", options.stop_timeout.count()}}}};
  if (options.remove) plan["remover"] = STRATA_TRY(own_program("strata"));
  if (options.timeout) plan["timeout"] = options.timeout->count();
  if (std::filesystem::exists(setup.places.folder / "health.json")) plan["health"] = health_json(setup);
  return container::replace_file((setup.places.folder / "supervisor.json").string(), text_of(plan));
}

Result<void> write_configuration(const ContainerSetup& setup) {
  const auto capabilities = capabilities_of(setup.options);
  Json process = STRATA_TRY(process_json(setup, capabilities));
  Json config = {{"ociVersion", "1.2.0"},
                 {"process", process},
                 {"root", {{"path", setup.root.root.string()}, {"readonly", setup.options.read_only}}},
                 {"hostname", host_name_of(setup)},
                 {"mounts", STRATA_TRY(all_mounts(setup))},
                 {"linux", STRATA_TRY(linux_json(setup, capabilities))}};
  if (Json hooks = STRATA_TRY(hooks_json(setup)); !hooks.is_null()) config["hooks"] = std::move(hooks);
  if (Json extension = extension_json(setup); !extension.is_null()) config["strata"] = std::move(extension);
  const auto health_path = setup.places.folder / "health.json";
  std::error_code ignored;
  std::filesystem::remove(health_path, ignored);
  if (const Json health = health_process(setup, process); !health.is_null())
    STRATA_TRY(container::replace_file(health_path.string(), text_of(health)));
  STRATA_TRY(container::replace_file((setup.places.folder / "config.json").string(), text_of(config)));
  return write_supervisor_plan(setup);
}

}  // namespace strata::control

// create: the runtime's part in making a container.
#include "container/lifecycle/create.h"

#include "container/files.h"
#include "container/lifecycle/birth.h"
#include "container/lifecycle/hooks.h"
#include "container/namespaces/namespaces.h"
#include "container/namespaces/net_devices.h"
#include "container/sockets.h"
#include "container/spec/read_spec.h"
#include "container/utc_time.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace strata::container {
namespace {

// systemd's names, SLICE:PREFIX:NAME, as the path that systemd would give them.
Result<std::string> systemd_path(const std::string& given) {
  const std::size_t first = given.find(':');
  const std::size_t second = given.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos)
    return fail(ErrorCode::bad_data, "linux.cgroupsPath: '{}' is not SLICE:PREFIX:NAME, as --systemd-cgroup wants it",
                given);
  const std::string slice = given.substr(0, first);
  const std::string prefix = given.substr(first + 1, second - first - 1);
  const std::string name = given.substr(second + 1);
  std::string path;  // a-b.slice is in a.slice
  for (std::size_t dash = slice.find('-'); dash != std::string::npos; dash = slice.find('-', dash + 1))
    path += "/" + slice.substr(0, dash) + ".slice";
  return path + "/" + slice + "/" + (prefix.empty() ? name : prefix + "-" + name + ".scope");
}

Result<std::string> cgroup_path(const Runtime& runtime, const std::string& id, const Spec& spec) {
  const std::string& given = spec.linux.cgroups_path;
  if (given.empty()) return (is_rootless() ? "strata-" : "/strata-") + id;
  if (runtime.systemd_cgroup) return systemd_path(given);
  return given;
}

// A list that refuses everything means everything but what each container has and needs.
Resources with_default_devices(const LinuxSpec& linux) {
  Resources resources = linux.resources;
  if (resources.devices.empty()) return resources;
  const auto allow = [&](char type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor,
                         const char* access) {
    resources.devices.push_back({.allow = true, .type = type, .major = major, .minor = minor, .access = access});
  };
  allow('c', {}, {}, "m");  // to make a device is not to use it
  allow('b', {}, {}, "m");
  for (const std::int64_t minor : {3, 5, 7, 8, 9}) allow('c', 1, minor, "rwm");  // null zero full random urandom
  for (const std::int64_t minor : {0, 1, 2}) allow('c', 5, minor, "rwm");        // tty console ptmx
  allow('c', 136, {}, "rwm");                                                    // pts
  for (const auto& node : linux.devices)
    if (node.type != 'p') allow(node.type, node.major, node.minor, "rwm");
  return resources;
}

struct Bundle {
  Spec spec;
  std::string config;  // as it was read
};

Result<Bundle> read_bundle(const std::string& bundle) {
  const std::string path = bundle + "/config.json";
  auto text = read_file(path, max_spec_size);
  if (!text) return tl::unexpected(std::move(text.error()).context("reading the bundle"));
  auto spec = STRATA_TRY(with_context(read_spec(*text), "{}", path));
  if (!spec.process) return fail(ErrorCode::bad_data, "{}: process is missing", path);
  if (!spec.linux.find(NamespaceKind::mount))
    return fail(ErrorCode::unsupported,
                "{}: linux.namespaces has no mount namespace, without which there is no container", path);
  return Bundle{.spec = std::move(spec), .config = std::move(*text)};
}

Result<void> check_console(const Process& process, const CreateOptions& options, bool relayed) {
  if (process.terminal && options.console_socket.empty() && !relayed)
    return fail(ErrorCode::usage, "process.terminal is set: give the terminal's place by --console-socket");
  if (!process.terminal && !options.console_socket.empty())
    return fail(ErrorCode::usage, "--console-socket is given, but process.terminal is not set");
  return {};
}

// The number of this process as the runtime sees it: /proc is still the runtime's, though the namespace is not.
pid_t own_number() {
  std::error_code error;
  const auto link = std::filesystem::read_symlink("/proc/self", error);
  return error ? 0 : std::atoi(link.c_str());
}

// Takes back what a failed `create` has made.
class Undo {
 public:
  Undo(Created& created, const std::string& pid_file) : created_(&created), pid_file_(pid_file) {}
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    if (!created_) return;
    if (created_->record.pid > 0) {
      ::kill(created_->record.pid, SIGKILL);
      ::waitpid(created_->record.pid, nullptr, 0);
    }
    (void)created_->cgroup.signal_all(SIGKILL);
    (void)created_->cgroup.remove();
    created_->folder.remove();
    if (!pid_file_.empty()) ::unlink(pid_file_.c_str());
  }
  void release() { created_ = nullptr; }

 private:
  Created* created_;
  const std::string& pid_file_;
};

// The child goes into its cgroups only when it is on record: if the runtime ends before, the child does too.
Result<void> take_in(Created& created, const Channel& channel) {
  STRATA_TRY(created.cgroup.make(is_rootless()));
  STRATA_TRY(created.cgroup.apply(with_default_devices(created.spec.linux)));
  created.record.cgroups = created.cgroup.folders();
  created.record.start_time =
      start_time_of(created.record.pid).value_or(0);  // if it is dead already, it says why below
  STRATA_TRY(created.folder.write(created.record));
  return say_cgroups(channel, created.cgroup);
}

// Root on the host maps mounts and makes the overlay for the child's namespace: its root could not have mapped the ids.
Result<void> say_mapped(const Channel& channel, const Spec& spec, const Rootfs& rootfs, pid_t child) {
  const UniqueFd space(::open(fmt::format("/proc/{}/ns/user", child).c_str(), O_RDONLY | O_CLOEXEC));
  if (!space) return fail_errno("the container's user namespace");
  STRATA_TRY(rootfs.map_mounts(space.get()));
  if (!spec.overlay || is_rootless()) {
    channel.say(Word::mapped);
    return {};
  }
  const UniqueFd root = STRATA_TRY(make_mapped_root(*spec.overlay, space.get()));
  const int number = root.get();
  if (!channel.send(Word::mapped, {&number, 1}) && errno != EPIPE && errno != ECONNRESET)
    return fail_errno("handing over the root");
  return {};
}

// The runtime's part of the conversation, from the child's first word to its last.
Result<void> attend(Created& created, Channel& channel, const Birth& birth, const Rootfs& rootfs,
                    const std::string& pid_file, Until until) {
  const auto& spec = created.spec;
  if (birth.new_user_namespace) {
    STRATA_TRY(with_context(write_id_maps(created.record.pid, spec.linux.id_maps), "id maps"));
    STRATA_TRY(say_mapped(channel, spec, rootfs, created.record.pid));
  }
  STRATA_TRY(write_pid_file(pid_file, created.record.pid));
  STRATA_TRY(take_in(created, channel));
  if (needs_runtime_when_mounted(spec)) {
    STRATA_TRY(channel.expect(Word::mounted));
    STRATA_TRY(move_net_devices(spec.linux.net_devices, created.record.pid));
    const std::string state = state_json(created.record, Status::creating);
    STRATA_TRY(run_hooks("prestart", spec.hooks.prestart, state));
    STRATA_TRY(run_hooks("createRuntime", spec.hooks.create_runtime, state));
    channel.say(Word::proceed);
  }
  if (spec.process->terminal && !birth.console) {
    created.terminal = STRATA_TRY(take_terminal_from(channel));
  }
  return until == Until::created ? channel.expect(Word::ready) : channel.expect_end();
}

}  // namespace

bool is_rootless() {
  static const bool rootless = [] {
    if (::geteuid() != 0) return true;
    const auto map = read_file("/proc/self/uid_map");
    return map && map->find("4294967295") == std::string::npos;
  }();
  return rootless;
}

Result<void> write_pid_file(const std::string& path, pid_t process) {
  if (path.empty()) return {};
  return with_context(replace_file(path, std::to_string(process)), "--pid-file");
}

Result<void> say_cgroups(const Channel& channel, const Cgroup& cgroup) {
  const auto doors = STRATA_TRY(cgroup.open_doors());
  std::vector<int> numbers;
  for (const auto& door : doors) numbers.push_back(door.get());
  if (!channel.send(Word::cgroups, numbers) && errno != EPIPE && errno != ECONNRESET)
    return fail_errno("telling the container's process its cgroups");
  return {};  // if it is gone, waiting for its next word will tell
}

Result<UniqueFd> take_terminal_from(Channel& channel) {
  STRATA_TRY(channel.expect(Word::terminal));
  auto fds = channel.take_fds();
  if (fds.size() != 1) return fail("the container's process handed over no terminal");
  return std::move(fds[0]);
}

Result<Created> make_container(const Runtime& runtime, const std::string& id, const CreateOptions& options,
                               Until until) {
  std::error_code error;
  const std::string bundle = std::filesystem::canonical(options.bundle, error).string();
  if (error) return fail(ErrorCode::not_found, "bundle {}: {}", options.bundle, error.message());
  auto [spec, config] = STRATA_TRY(read_bundle(bundle));
  STRATA_TRY(check_console(*spec.process, options, ::isatty(STDIN_FILENO)));
  const std::string rootfs_path =
      std::filesystem::canonical(spec.root_path.starts_with('/') ? spec.root_path : bundle + "/" + spec.root_path,
                                 error)
          .string();
  if (error) return fail(ErrorCode::not_found, "root.path {}: {}", spec.root_path, error.message());
  auto plan = STRATA_TRY(plan_namespaces(spec.linux));
  auto trees = STRATA_TRY(open_host_trees(spec, bundle));
  UniqueFd console;
  if (!options.console_socket.empty()) console = STRATA_TRY(connect_unix(options.console_socket));

  Created created{.folder = STRATA_TRY(ContainerFolder::make(runtime.root, id)),
                  .record = {.id = id,
                             .bundle = bundle,
                             .rootfs = rootfs_path,
                             .created = utc_now(),
                             .owner = ::getuid(),
                             .annotations = spec.annotations}};
  created.spec = std::move(spec);
  Undo undo(created, options.pid_file);
  if (!runtime.no_cgroup) {
    const std::string cgroup = STRATA_TRY(cgroup_path(runtime, id, created.spec));
    created.cgroup = STRATA_TRY(Cgroup::plan(cgroup));
  }
  created.record.cgroups = created.cgroup.folders();
  // On record before they are made: whoever comes after a runtime that was killed here finds what to remove.
  STRATA_TRY(created.folder.write_new(created.record, config));
  const UniqueFd birthplace = STRATA_TRY(created.cgroup.make_birthplace(is_rootless()));

  auto channels = STRATA_TRY(Channel::make());
  Channel& ours = channels.first;
  UniqueFd start;
  if (until == Until::created) start = STRATA_TRY(listen_for_start(created.folder));
  Rootfs rootfs(created.spec, rootfs_path, bundle, created.cgroup, std::move(trees));
  Birth birth{.spec = created.spec,
              .process = *created.spec.process,
              .namespaces = plan,
              .channel = std::move(channels.second),
              .host_proc = STRATA_TRY(open_host_proc()),
              .start = std::move(start),
              .console = std::move(console),
              .preserved = options.preserve_fds,
              .keyring = options.new_keyring ? "_ses." + id : "",
              .new_user_namespace = created.spec.linux.makes(NamespaceKind::user)};
  created.record.pid = STRATA_TRY(spawn(plan, birthplace.get(), [&] {
    ours.close();
    created.folder.forget_lock();
    created.record.pid = own_number();
    be_first_process(birth, rootfs, created.record);
  }));
  birth.channel.close();
  birth.start.reset();
  STRATA_TRY(attend(created, ours, birth, rootfs, options.pid_file, until));
  undo.release();
  return created;
}

Result<void> create(const Runtime& runtime, const std::string& id, const CreateOptions& options) {
  const auto created = make_container(runtime, id, options, Until::created);
  if (!created) return tl::unexpected(created.error());
  return {};
}

}  // namespace strata::container

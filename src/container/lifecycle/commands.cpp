// The commands that ask about a container that exists, or change it.
#include "container/files.h"
#include "container/lifecycle/create.h"
#include "container/lifecycle/hooks.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::container {
namespace {

struct Found {
  ContainerFolder folder;
  Record record;
  Cgroup cgroup;
  [[nodiscard]] Status status() const { return status_of(record, folder, cgroup); }
};

Result<Found> find(const Runtime& runtime, const std::string& id) {
  auto folder = STRATA_TRY(ContainerFolder::open(runtime.root, id));
  auto record = STRATA_TRY(folder.read());
  auto cgroup = STRATA_TRY(Cgroup::find(record.cgroups));
  return Found{.folder = std::move(folder), .record = std::move(record), .cgroup = std::move(cgroup)};
}

// A handle that stays with the process: its number may be another's by the time that a signal is sent.
Result<UniqueFd> handle_of(const Record& record) {
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, record.pid, 0)));
  if (!handle || !is_alive(record)) return fail(ErrorCode::not_found, "container '{}' is not running", record.id);
  return handle;
}

Result<void> send_signal(const Record& record, int signal) {
  const UniqueFd handle = STRATA_TRY(handle_of(record));
  if (::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) != 0) return fail_errno("signal {}", signal);
  return {};
}

Result<void> end_process(const Record& record, const Cgroup& cgroup) {
  if (!is_alive(record)) return {};
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, record.pid, 0)));
  (void)::syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0);
  if (cgroup.frozen()) STRATA_TRY(cgroup.set_frozen(false));  // it dies when it is thawed
  constexpr int patience_ms = 10'000;
  pollfd wait{.fd = handle.get(), .events = POLLIN, .revents = 0};
  if (handle && ::poll(&wait, 1, patience_ms) == 0)
    return fail(ErrorCode::timed_out, "process {} does not die", record.pid);
  (void)::waitpid(record.pid, nullptr, WNOHANG);  // if it is a child of ours
  return {};
}

std::string owner_name(uid_t uid) { return uid == 0 ? "root" : std::to_string(uid); }

}  // namespace

Result<void> delete_container(const ContainerFolder& folder, const Record& record, const Cgroup& cgroup,
                              const Spec* spec) {
  STRATA_TRY(end_process(record, cgroup));
  // Without a process namespace of its own, others outlive the first process.
  if (!cgroup.remove_if_empty()) {
    (void)cgroup.signal_all(SIGKILL);
    STRATA_TRY(cgroup.remove());
  }
  Result<Spec> kept;
  if (!spec && (kept = folder.read_spec())) spec = &*kept;
  folder.remove();
  if (!spec) return {};
  for (const auto& hook : spec->hooks.poststop)
    if (const auto ran = run_hooks("poststop", {hook}, state_json(record, Status::stopped)); !ran)
      fmt::print(stderr, "warning: {}\n", ran.error().message);
  return {};
}

Result<std::string> state(const Runtime& runtime, const std::string& id) {
  const auto found = STRATA_TRY(find(runtime, id));
  return state_json(found.record, found.status());
}

Result<void> kill(const Runtime& runtime, const std::string& id, int signal, bool all) {
  const auto found = STRATA_TRY(find(runtime, id));
  if (all && !found.cgroup.empty()) return found.cgroup.signal_all(signal);
  STRATA_TRY(send_signal(found.record, signal));
  // A frozen process dies when it is thawed.
  if (signal == SIGKILL && found.cgroup.frozen()) return found.cgroup.set_frozen(false);
  return {};
}

Result<void> remove(const Runtime& runtime, const std::string& id, bool force) {
  auto found = find(runtime, id);
  if (!found) {
    if (force && found.error().code == ErrorCode::not_found) return {};
    return tl::unexpected(std::move(found.error()));
  }
  const auto status = found->status();
  if (!force && status != Status::stopped)
    return fail(ErrorCode::busy, "container '{}' is {}: stop it first, or use --force", id, name_of(status));
  return delete_container(found->folder, found->record, found->cgroup);
}

Result<Process> configured_process(const Runtime& runtime, const std::string& id) {
  const auto found = STRATA_TRY(find(runtime, id));
  return *STRATA_TRY(found.folder.read_spec()).process;
}

Result<void> set_paused(const Runtime& runtime, const std::string& id, bool paused) {
  const auto found = STRATA_TRY(find(runtime, id));
  const auto status = found.status();
  const bool fits = paused ? status == Status::running || status == Status::created : status == Status::paused;
  if (!fits)
    return fail(ErrorCode::usage, "container '{}' is {}: it cannot be {}", id, name_of(status),
                paused ? "paused" : "resumed");
  return found.cgroup.set_frozen(paused);
}

Result<void> update(const Runtime& runtime, const std::string& id, const Resources& resources) {
  const auto found = STRATA_TRY(find(runtime, id));
  if (found.status() == Status::stopped) return fail(ErrorCode::usage, "container '{}' is stopped", id);
  return found.cgroup.apply(resources);
}

Result<std::vector<pid_t>> processes(const Runtime& runtime, const std::string& id) {
  const auto found = STRATA_TRY(find(runtime, id));
  if (found.cgroup.empty() && is_alive(found.record)) return std::vector{found.record.pid};
  return found.cgroup.processes();
}

Result<std::pair<Usage, pid_t>> usage(const Runtime& runtime, const std::string& id) {
  const auto found = STRATA_TRY(find(runtime, id));
  return std::pair(read_usage(found.cgroup.folders()), found.record.pid);
}

Result<std::vector<ContainerLine>> list(const Runtime& runtime) {
  std::vector<ContainerLine> lines;
  for (const auto& id : ContainerFolder::list(runtime.root)) {
    const auto found = find(runtime, id);
    if (!found) continue;  // deleted meanwhile
    const auto status = found->status();
    lines.push_back({.id = id,
                     .pid = status == Status::stopped ? 0 : found->record.pid,
                     .status = std::string(name_of(status)),
                     .bundle = found->record.bundle,
                     .created = found->record.created,
                     .owner = owner_name(found->record.owner),
                     .state = state_json(found->record, status)});
  }
  return lines;
}

}  // namespace strata::container

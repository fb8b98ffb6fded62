// exec: one more process in a container.
#include "container/lifecycle/birth.h"
#include "container/lifecycle/create.h"
#include "container/namespaces/namespaces.h"
#include "container/sockets.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::container {

namespace {

// The namespaces that the container has of its own, by way of its first process.
LinuxSpec as_joined(const Spec& spec, pid_t first) {
  LinuxSpec linux = spec.linux;
  for (auto& one : linux.namespaces) one.path = fmt::format("/proc/{}/ns/{}", first, namespace_file(one.kind));
  return linux;
}

}  // namespace

Result<int> exec(const Runtime& runtime, const std::string& id, const ExecOptions& options) {
  auto folder = STRATA_TRY(ContainerFolder::open(runtime.root, id));
  const auto record = STRATA_TRY(folder.read());
  const auto cgroup = STRATA_TRY(Cgroup::find(record.cgroups));
  if (const auto status = status_of(record, folder, cgroup); status != Status::running && status != Status::created)
    return fail(ErrorCode::usage, "container '{}' is {}: nothing can be run in it", id, name_of(status));
  auto spec = STRATA_TRY(folder.read_spec());
  spec.process = options.process;
  spec.linux = as_joined(spec, record.pid);
  const auto plan = STRATA_TRY(plan_namespaces(spec.linux));
  // The number may have become another process's before its namespaces were opened.
  if (!is_alive(record)) return fail(ErrorCode::not_found, "container '{}' has just ended", id);
  if (options.process.terminal && options.console_socket.empty() && (options.detach || !::isatty(STDIN_FILENO)))
    return fail(ErrorCode::usage, "a terminal is asked for: give its place by --console-socket");
  UniqueFd console;
  if (!options.console_socket.empty()) console = STRATA_TRY(connect_unix(options.console_socket));

  if (!options.detach) hold_signals();
  auto channels = STRATA_TRY(Channel::make());
  Channel& ours = channels.first;
  Birth birth{.spec = spec,
              .process = *spec.process,
              .namespaces = plan,
              .channel = std::move(channels.second),
              .host_proc = STRATA_TRY(open_host_proc()),
              .start = {},
              .console = std::move(console),
              .preserved = options.preserve_fds,
              .keyring = "",
              .new_user_namespace = false};
  const UniqueFd birthplace = STRATA_TRY(cgroup.open_birthplace());
  const pid_t child = STRATA_TRY(spawn(plan, birthplace.get(), [&] {
    ours.close();
    folder.forget_lock();
    be_further_process(birth);
  }));
  birth.channel.close();
  folder.forget_lock();

  UniqueFd terminal;
  const auto attended = [&]() -> Result<void> {
    STRATA_TRY(say_cgroups(ours, cgroup));
    if (birth.process.terminal && !birth.console) terminal = STRATA_TRY(take_terminal_from(ours));
    STRATA_TRY(ours.expect_end());
    return write_pid_file(options.pid_file, child);
  }();
  if (!attended) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return tl::unexpected(attended.error());
  }
  if (options.detach) return child;
  return wait_for(child, std::move(terminal));
}

}  // namespace strata::container

// Makes a container, up to the point where only `start` is missing.
#pragma once

#include "container/container.h"
#include "container/lifecycle/channel.h"
#include "container/lifecycle/record.h"

namespace strata::container {

struct Created {
  ContainerFolder folder;
  Record record;
  Spec spec;
  Cgroup cgroup;
  UniqueFd terminal;  // the master end, if there is a terminal and no console socket took it
};

/// How far a container is made: so that only `start` is missing, or so that its program runs.
enum class Until { created, started };

[[nodiscard]] Result<Created> make_container(const Runtime& runtime, const std::string& id,
                                             const CreateOptions& options, Until until);
/// Lets the waiting process become its program, and runs the poststart hooks.
[[nodiscard]] Result<void> start_container(const ContainerFolder& folder, const Record& record, const Spec& spec);
/// Ends what is left of it and forgets it: processes, cgroups, folder; then the poststop hooks, whose failures are
/// only told. Without a spec, the one that was kept.
[[nodiscard]] Result<void> delete_container(const ContainerFolder& folder, const Record& record, const Cgroup& cgroup,
                                            const Spec* spec = nullptr);
/// Runs the poststart hooks.
[[nodiscard]] Result<void> after_start(const Record& record, const Spec& spec);

/// Keeps the signals that come from now on for wait_for, which passes them on.
void hold_signals();
/// Waits for a child of ours, and passes signals and a terminal (if it is one) on meanwhile. Gives its exit code.
[[nodiscard]] Result<int> wait_for(pid_t process, UniqueFd terminal);
/// A socket where the process of that folder waits for `start`.
[[nodiscard]] Result<UniqueFd> listen_for_start(const ContainerFolder& folder);
/// Tells a child its cgroups, which it then joins.
[[nodiscard]] Result<void> say_cgroups(const Channel& channel, const Cgroup& cgroup);
/// Waits for the terminal of a child's that nobody else is handed.
[[nodiscard]] Result<UniqueFd> take_terminal_from(Channel& channel);
[[nodiscard]] Result<void> write_pid_file(const std::string& path, pid_t process);

}  // namespace strata::container

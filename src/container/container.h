// The commands of an OCI runtime (runtime.md of the specification), each as one call.
//
// Containers live as processes and folders; nothing of Strata runs beside them. Every call leaves things as they were
// when it fails.
#pragma once

#include "base/result.h"
#include "container/cgroup/usage.h"
#include "container/spec/resources.h"
#include "container/spec/spec.h"

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::container {

/// Where containers are kept.
struct Runtime {
  std::string root;             // a folder, one below it for each container
  bool systemd_cgroup = false;  // cgroupsPath is SLICE:PREFIX:NAME
  bool no_cgroup = false;       // containers stay in the runtime's
};

struct CreateOptions {
  std::string bundle = ".";
  std::string console_socket;
  std::string pid_file;
  unsigned preserve_fds = 0;
  bool new_keyring = true;
};

struct ExecOptions {
  Process process;
  std::string console_socket;
  std::string pid_file;
  unsigned preserve_fds = 0;
  bool detach = false;
};

/// One line of `list`.
struct ContainerLine {
  std::string id;
  pid_t pid = 0;
  std::string status;
  std::string bundle;
  std::string created;
  std::string owner;
  std::string state;  // as `state` prints it
};

[[nodiscard]] Result<void> create(const Runtime& runtime, const std::string& id, const CreateOptions& options);
[[nodiscard]] Result<void> start(const Runtime& runtime, const std::string& id);
/// create and start; unless detached, waits for the end, passes signals and the terminal on, and deletes the container.
/// Gives the program's exit code, 128 + n where signal n ended it.
[[nodiscard]] Result<int> run(const Runtime& runtime, const std::string& id, const CreateOptions& options, bool detach,
                              bool keep);
/// The state as JSON.
[[nodiscard]] Result<std::string> state(const Runtime& runtime, const std::string& id);
[[nodiscard]] Result<void> kill(const Runtime& runtime, const std::string& id, int signal, bool all);
/// With `force`, also one that runs, or is not there.
[[nodiscard]] Result<void> remove(const Runtime& runtime, const std::string& id, bool force);
/// Gives the exit code, or the process's number if detached.
[[nodiscard]] Result<int> exec(const Runtime& runtime, const std::string& id, const ExecOptions& options);
/// The process of the container's configuration, for an `exec` that changes some of it.
[[nodiscard]] Result<Process> configured_process(const Runtime& runtime, const std::string& id);
[[nodiscard]] Result<void> set_paused(const Runtime& runtime, const std::string& id, bool paused);
[[nodiscard]] Result<void> update(const Runtime& runtime, const std::string& id, const Resources& resources);
[[nodiscard]] Result<std::vector<pid_t>> processes(const Runtime& runtime, const std::string& id);
/// What it has used, and its first process.
[[nodiscard]] Result<std::pair<Usage, pid_t>> usage(const Runtime& runtime, const std::string& id);
[[nodiscard]] Result<std::vector<ContainerLine>> list(const Runtime& runtime);

/// Whether this process lacks rights of the host's root: an ordinary user, or root of a user namespace.
[[nodiscard]] bool is_rootless();
/// What this runtime can do, as JSON (features.md).
[[nodiscard]] std::string features();
/// A config.json to begin with; for an ordinary user's container if `rootless`.
[[nodiscard]] std::string template_spec(bool rootless);

}  // namespace strata::container

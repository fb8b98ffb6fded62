// What a process of a container is, beside its namespaces: user, capabilities, limits, labels, system call filter.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/spec/spec.h"

#include <string>
#include <vector>

namespace strata::container {

/// Takes the process from the runtime's rights to the container's, in the order that each step leaves the next possible.
/// The steps run in the process itself, and what they take away is gone for good.
class ProcessSetup {
 public:
  /// `linux` gives what is the container's: seccomp, personality. `state` is for the agent at seccomp's listenerPath.
  ProcessSetup(const Process& process, const LinuxSpec& linux, std::string state)
      : process_(process), linux_(linux), listener_state_(std::move(state)) {}

  /// What is the host's and will be out of reach, or fooled by a container that is joined: the process's own folder, by
  /// way of the host's /proc that open_host_proc gave, and the agent's socket.
  [[nodiscard]] Result<void> open_host_files(int host_proc);
  /// Limits, priorities, personality: all that needs the runtime's rights and harms nothing.
  [[nodiscard]] Result<void> take_limits() const;
  /// The working directory, made if it is missing.
  [[nodiscard]] Result<void> enter_working_directory() const;
  /// Labels, user, capabilities, no_new_privs. The filter comes last or, if it needs rights, before they go.
  [[nodiscard]] Result<void> take_rights();
  /// The program's file: its path, searched for in PATH of the process's environment. Before the rights are taken, for
  /// the filter may refuse what the search needs.
  [[nodiscard]] Result<std::string> find_program() const;
  /// Becomes the program. Comes back only with an error.
  [[nodiscard]] Error execute(const std::string& program) const;

 private:
  Result<void> take_labels() const;
  Result<void> connect_agent();
  Result<void> install_filter();

  const Process& process_;
  const LinuxSpec& linux_;
  UniqueFd self_;  // /proc/self of the host's procfs: the container's may be anything
  UniqueFd agent_;
  std::string listener_state_;
};

/// The host's /proc, opened in the runtime's own mount namespace: that of a container may be anything, and what is written
/// to files there could be led to others (CVE-2025-52881).
[[nodiscard]] Result<UniqueFd> open_host_proc();

/// Pieces with files of their own.
[[nodiscard]] Result<void> set_user(const User& user);
/// Leaves the bounding set as asked, which later steps cannot, and lets the others live through the change of user.
[[nodiscard]] Result<void> prepare_capabilities(const Capabilities& capabilities);
[[nodiscard]] Result<void> take_capabilities(const Capabilities& capabilities);
[[nodiscard]] Result<void> set_limits(const std::vector<ResourceLimit>& limits);
[[nodiscard]] Result<void> set_scheduler(const Scheduler& scheduler);
[[nodiscard]] Result<void> set_io_priority(int priority);
[[nodiscard]] Result<void> set_memory_policy(const MemoryPolicy& policy);

/// Restricts this process and all that it makes.
[[nodiscard]] Result<void> restrict_by_landlock(const Landlock& landlock);
/// Installs the filter for this process. Gives the listener's descriptor, if a rule notifies.
[[nodiscard]] Result<UniqueFd> install_seccomp(const Seccomp& seccomp);
[[nodiscard]] bool has_notify(const Seccomp& seccomp);

}  // namespace strata::container

// New and joined namespaces, and the processes that begin in them.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/spec/spec.h"

#include <sys/types.h>

#include <functional>
#include <vector>

namespace strata::container {

/// Where a process is to begin.
struct NamespacePlan {
  std::uint64_t made = 0;  // CLONE_NEW… of the new ones, without the cgroup namespace, which is made when in the cgroup
  struct Joined {
    NamespaceKind kind;
    UniqueFd fd;
  };
  std::vector<Joined> joined;  // in the order in which they can be entered: the user namespace first
  bool cgroup = false;         // a new cgroup namespace
};

/// Opens what is joined, and checks that each is of its kind.
[[nodiscard]] Result<NamespacePlan> plan_namespaces(const LinuxSpec& linux);

/// Begins a child in those namespaces, where `body` runs; it never comes back. The child is ours to wait for. `offsets`
/// are of the clocks of a new time namespace.
[[nodiscard]] Result<pid_t> spawn(const NamespacePlan& plan, const std::map<std::string, TimeOffset>& offsets,
                                  const std::function<void()>& body);

/// Writes the id maps of a process in a new user namespace; with the help of newuidmap where we may not ourselves.
[[nodiscard]] Result<void> write_id_maps(pid_t process, const std::vector<IdMap>& uids, const std::vector<IdMap>& gids);

/// Says by how much the clocks of the next child's time namespace, which this process has just unshared, differ.
[[nodiscard]] Result<void> write_time_offsets(const std::map<std::string, TimeOffset>& offsets);

/// The child's part, while /proc is the host's.
[[nodiscard]] Result<void> bring_up_loopback();
[[nodiscard]] Result<void> set_sysctls(const std::map<std::string, std::string>& sysctls, const LinuxSpec& linux);

/// CLONE_NEW… of a kind.
[[nodiscard]] std::uint64_t clone_flag(NamespaceKind kind);
/// Its name below /proc/PID/ns.
[[nodiscard]] const char* namespace_file(NamespaceKind kind);

}  // namespace strata::container

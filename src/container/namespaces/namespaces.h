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
  std::uint64_t born_in = 0;  // CLONE_NEW… of the new ones that a process can only be born in: user, pid
  std::uint64_t made = 0;     // of those that it makes itself, while the runtime does other work
  struct Joined {
    NamespaceKind kind;
    UniqueFd fd;
  };
  std::vector<Joined> joined;  // in the order in which they can be entered: the user namespace first
  bool cgroup = false;         // a new cgroup namespace, which is made when in the cgroup
};

/// Opens what is joined, and checks that each is of its kind.
[[nodiscard]] Result<NamespacePlan> plan_namespaces(const LinuxSpec& linux);

/// Begins a child in those that are joined or born in, where `body` runs; it never comes back. The child is ours to wait
/// for. `cgroup` is the folder of a cgroup (v2) that it begins in, or -1.
[[nodiscard]] Result<pid_t> spawn(const NamespacePlan& plan, int cgroup, const std::function<void()>& body);

/// The child's part: the rest of the new ones. The time namespace first, as its files can be written by no process that
/// hides from others; `offsets` are of its clocks.
[[nodiscard]] Result<void> make_time_namespace(const NamespacePlan& plan,
                                               const std::map<std::string, TimeOffset>& offsets);
[[nodiscard]] Result<void> make_other_namespaces(const NamespacePlan& plan);

/// The child's part, while /proc is the host's.
[[nodiscard]] Result<void> bring_up_loopback();
[[nodiscard]] Result<void> set_sysctls(const std::map<std::string, std::string>& sysctls, const LinuxSpec& linux);

/// CLONE_NEW… of a kind.
[[nodiscard]] std::uint64_t clone_flag(NamespaceKind kind);
/// Its name below /proc/PID/ns.
[[nodiscard]] const char* namespace_file(NamespaceKind kind);

}  // namespace strata::container

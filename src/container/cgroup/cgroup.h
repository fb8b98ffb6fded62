// A container's cgroup: one folder in each hierarchy of the host.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/cgroup/hierarchy.h"
#include "container/spec/resources.h"

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace strata::container {

class Cgroup {
 public:
  /// None: the process stays where the runtime is.
  Cgroup() = default;

  /// The one of that path, not made yet. `path` is from each hierarchy's root if it begins with a slash, else from this
  /// process's own cgroup.
  [[nodiscard]] static Result<Cgroup> plan(const std::string& path);
  /// One that exists, by the folders that `folders()` gave. Those of hierarchies that are gone are left out.
  [[nodiscard]] static Result<Cgroup> find(const std::vector<std::string>& folders);

  /// Makes the folders, where they are not made yet. Hierarchies that this user may not write are left out if `may_lack`
  /// says so; else that is an error, and `remove` takes away what was made.
  [[nodiscard]] Result<void> make(bool may_lack);
  /// Makes the one of version 2, if there is one, and opens it for a process to begin in (clone3's CLONE_INTO_CGROUP).
  [[nodiscard]] Result<UniqueFd> make_birthplace(bool may_lack);
  /// The same of one that is made.
  [[nodiscard]] Result<UniqueFd> open_birthplace() const;
  /// What a process of one thread that began in the birthplace joins the others by: each file is written a 0 by it. So the
  /// kernel need not stop all processes from making others, which takes a grace period of RCU, 4 to 20 ms.
  [[nodiscard]] Result<std::vector<UniqueFd>> open_doors() const;

  [[nodiscard]] bool empty() const { return parts_.empty(); }
  [[nodiscard]] std::vector<std::string> folders() const;
  /// Paths as /proc/PID/cgroup has them, by controller, for engines that ask.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> paths() const;

  /// Sets what is given and leaves the rest as it is. Fails where a limit is asked for that this host cannot keep.
  [[nodiscard]] Result<void> apply(const Resources& resources) const;

  [[nodiscard]] Result<void> set_frozen(bool frozen) const;
  [[nodiscard]] bool frozen() const;
  /// All processes in it and below, by the runtime's own numbers.
  [[nodiscard]] Result<std::vector<pid_t>> processes() const;
  /// Sends the signal to each, also to those that are made meanwhile.
  [[nodiscard]] Result<void> signal_all(int signal) const;
  /// Removes it with all cgroups below; its processes must be gone or going.
  [[nodiscard]] Result<void> remove() const;
  /// Removes it if nothing is in it. Gives false where something is, and it is there still.
  [[nodiscard]] bool remove_if_empty() const;

  /// What a container sees of a hierarchy at /sys/fs/cgroup.
  struct View {
    bool v2 = false;
    std::string name;                  // the folder below /sys/fs/cgroup, as on the host: "cpu,cpuacct"
    std::vector<std::string> aliases;  // links to it: "cpu", "cpuacct"
    std::string folder;                // on the host
  };
  [[nodiscard]] std::vector<View> views() const;

 private:
  struct Part {
    Hierarchy hierarchy;
    std::string path;    // from the hierarchy's root
    std::string folder;  // in the file system
    bool made = false;
  };
  [[nodiscard]] Result<void> make(bool may_lack, bool (*wanted)(const Part&));
  [[nodiscard]] const Part* part_with(std::string_view controller) const;
  [[nodiscard]] const Part* v2_part() const;

  std::vector<Part> parts_;
};

/// Joins, by what open_doors gave, in the process that is to join.
[[nodiscard]] Result<void> pass_doors(const std::vector<UniqueFd>& doors);

/// The limits of one hierarchy, written into the folder. Pieces with files of their own.
[[nodiscard]] Result<void> apply_v1(const Hierarchy& hierarchy, const std::string& folder, const Resources& resources);
[[nodiscard]] Result<void> apply_v2(const std::string& folder, const Resources& resources);
/// Attaches a program that decides on devices (v2 has no files for them) to the cgroup.
[[nodiscard]] Result<void> apply_device_filter(const std::string& folder, const std::vector<DeviceRule>& rules);

}  // namespace strata::container

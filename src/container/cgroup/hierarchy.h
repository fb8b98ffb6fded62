// The cgroup hierarchies of this host: one of version 2, several of version 1, or both (the "hybrid" layout).
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace strata::container {

struct Hierarchy {
  bool v2 = false;
  std::vector<std::string> controllers;  // v1: also a name without a controller, as "name=systemd"
  std::string mount_point;
  std::string root;      // the cgroup that is mounted there; "/" outside of containers
  std::string own_path;  // the cgroup of this process, from the hierarchy's root

  [[nodiscard]] bool has(std::string_view controller) const;
  /// Where a cgroup of that path (from the hierarchy's root) is found in the file system.
  [[nodiscard]] std::string folder_of(const std::string& path) const;
};

/// All that are mounted, in the order of /proc/self/mountinfo. None is no error: there are hosts without.
[[nodiscard]] Result<std::vector<Hierarchy>> find_hierarchies();

/// The same from the text of /proc/self/mountinfo and /proc/self/cgroup.
[[nodiscard]] std::vector<Hierarchy> find_hierarchies(std::string_view mountinfo, std::string_view own_cgroups);

}  // namespace strata::container

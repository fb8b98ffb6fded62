// Paths inside a container's root, followed as the container itself would: no symbolic link, `..` or race leads outside.
//
// All rests on openat2(2) with RESOLVE_IN_ROOT, and what was opened is used by its descriptor only, never again by its
// name: a process that shares the tree may exchange what a name stands for at any time.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <sys/types.h>

#include <string>

namespace strata {

/// Opens what the path names inside the root. O_CLOEXEC is always set. An absolute path begins at the root too.
[[nodiscard]] Result<UniqueFd> open_in_root(int root, const std::string& path, int flags, mode_t mode = 0);

/// Opens (O_PATH) the directory or file of that path; makes it, and the directories on the way (0755), if it is not there.
[[nodiscard]] Result<UniqueFd> make_directory_in_root(int root, const std::string& path, mode_t mode = 0755);
[[nodiscard]] Result<UniqueFd> make_file_in_root(int root, const std::string& path);

/// The directory (made if missing) that holds the path's last component, and that component.
struct ParentInRoot {
  UniqueFd directory;
  std::string name;
};
[[nodiscard]] Result<ParentInRoot> make_parent_in_root(int root, const std::string& path);

}  // namespace strata

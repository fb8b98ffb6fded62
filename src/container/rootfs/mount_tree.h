// Mounts as descriptors: made detached, dressed, and only then put in their place (the mount calls of Linux 5.2 and 5.12).
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/rootfs/mount_options.h"

#include <string>
#include <utility>
#include <vector>

namespace strata::container {

using MountSettings = std::vector<std::pair<std::string, std::string>>;

/// A new file system of that type, mounted nowhere yet. Errors carry the file system's own words, where it has some.
[[nodiscard]] Result<UniqueFd> make_file_system(const std::string& type, const std::string& source,
                                                const MountSettings& settings, std::uint64_t attributes);

/// What is mounted at the path, once more, mounted nowhere yet; with the mounts below it if `recursive`.
[[nodiscard]] Result<UniqueFd> clone_tree(int directory, const std::string& path, bool recursive);
[[nodiscard]] Result<UniqueFd> clone_tree(int fd, bool recursive);

[[nodiscard]] Result<void> set_attributes(int mount, const MountAttributes& attributes, bool recursive);
/// `flags` is MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC for the mounts below too.
[[nodiscard]] Result<void> set_propagation(int mount, unsigned long flags);
/// The id map of that user namespace (a descriptor of it).
[[nodiscard]] Result<void> set_id_map(int mount, int user_namespace, bool recursive);

/// Puts the detached mount on top of what the descriptor (O_PATH) stands for.
[[nodiscard]] Result<void> attach(int mount, int target);

}  // namespace strata::container

// The options of a mount of config.json, sorted by what the kernel wants to be told by which call.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace strata::container {

/// MOUNT_ATTR_… bits to set and to clear (mount_setattr(2)).
struct MountAttributes {
  std::uint64_t set = 0;
  std::uint64_t clear = 0;
  [[nodiscard]] bool any() const { return set || clear; }
};

struct MountOptions {
  bool bind = false;
  bool bind_recursive = false;
  bool remount = false;
  bool copy_up = false;  // tmpcopyup: the new file system begins with what the place held
  bool id_map = false;   // the container's user namespace as the mount's id map
  bool id_map_recursive = false;
  MountAttributes own;                                        // of the mount itself
  MountAttributes recursive;                                  // of all mounts below it too
  std::vector<unsigned long> propagations;                    // MS_SHARED … | MS_REC, in the order given
  std::vector<std::pair<std::string, std::string>> settings;  // of the file system: name and value, or a name alone

  [[nodiscard]] bool read_only() const;
};

/// What is no word of the specification is a setting of the file system, which will judge it.
[[nodiscard]] MountOptions sort_mount_options(const std::vector<std::string>& options);

/// All words that are understood here, for `features`.
[[nodiscard]] std::vector<std::string> known_mount_options();

}  // namespace strata::container

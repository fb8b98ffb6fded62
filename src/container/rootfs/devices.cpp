// Device nodes and links of a container's /dev.
#include "base/path_in_root.h"
#include "container/rootfs/mount_tree.h"
#include "container/rootfs/rootfs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

namespace strata::container {
namespace {

// What every container has (config-linux.md, "Default Devices").
const DeviceNode default_devices[] = {
    {.path = "/dev/null", .major = 1, .minor = 3},    {.path = "/dev/zero", .major = 1, .minor = 5},
    {.path = "/dev/full", .major = 1, .minor = 7},    {.path = "/dev/random", .major = 1, .minor = 8},
    {.path = "/dev/urandom", .major = 1, .minor = 9}, {.path = "/dev/tty", .major = 5, .minor = 0}};

// Lets modes be what they are asked to be.
class NoMask {
 public:
  NoMask() : before_(::umask(0)) {}
  NoMask(const NoMask&) = delete;
  NoMask& operator=(const NoMask&) = delete;
  ~NoMask() { ::umask(before_); }

 private:
  mode_t before_;
};

mode_t type_bits(char type) { return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR; }

// In a user namespace nobody may make devices, but the host's can be shown in their place.
Result<void> bind_from_host(int root, const DeviceNode& node) {
  const UniqueFd tree = STRATA_TRY(clone_tree(AT_FDCWD, node.path, false));
  const UniqueFd target = STRATA_TRY(make_file_in_root(root, node.path));
  return attach(tree.get(), target.get());
}

Result<void> make_node(int root, const ParentInRoot& place, const DeviceNode& node) {
  const auto& [directory, name] = place;
  if (::mknodat(directory.get(), name.c_str(), type_bits(node.type) | node.mode, makedev(node.major, node.minor)) !=
      0) {
    if (errno == EEXIST) {
      struct stat found {};
      const bool same = ::fstatat(directory.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
                        (found.st_mode & S_IFMT) == type_bits(node.type) &&
                        found.st_rdev == makedev(node.major, node.minor);
      return same ? Result<void>{} : fail(ErrorCode::already_exists, "something else is there");
    }
    if (errno == EPERM && node.type != 'p') return bind_from_host(root, node);
    return fail_errno("making the node");
  }
  if ((node.uid || node.gid) && ::fchownat(directory.get(), name.c_str(), node.uid, node.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("setting its owner");
  return {};
}

}  // namespace

Result<void> make_device_nodes(int root, const std::vector<DeviceNode>& extra) {
  const NoMask no_mask;
  const std::string dev = "/dev/";
  ParentInRoot place{.directory = STRATA_TRY(make_directory_in_root(root, dev)), .name = ""};
  for (const auto& node : default_devices) {
    const bool replaced = std::ranges::any_of(extra, [&](const DeviceNode& one) { return one.path == node.path; });
    if (replaced) continue;
    place.name = node.path.substr(dev.size());
    STRATA_TRY(with_context(make_node(root, place, node), "device {}", node.path));
  }
  for (const auto& node : extra) {
    const auto made = [&]() -> Result<void> {
      return make_node(root, STRATA_TRY(make_parent_in_root(root, node.path)), node);
    }();
    STRATA_TRY(with_context(made, "device {}", node.path));
  }
  return {};
}

Result<void> make_device_links(int root) {
  const UniqueFd dev = STRATA_TRY(make_directory_in_root(root, "/dev"));
  struct Link {
    const char* name;
    const char* target;
  };
  constexpr Link links[] = {{"fd", "/proc/self/fd"},
                            {"stdin", "/proc/self/fd/0"},
                            {"stdout", "/proc/self/fd/1"},
                            {"stderr", "/proc/self/fd/2"}};
  for (const auto& link : links)
    if (::symlinkat(link.target, dev.get(), link.name) != 0 && errno != EEXIST)
      return fail_errno("link /dev/{}", link.name);
  if (::faccessat(dev.get(), "pts", F_OK, 0) == 0) {
    // A ptmx of the image would be the host's own.
    if (::unlinkat(dev.get(), "ptmx", 0) != 0 && errno != ENOENT) return fail_errno("replacing /dev/ptmx");
    if (::symlinkat("pts/ptmx", dev.get(), "ptmx") != 0) return fail_errno("link /dev/ptmx");
  }
  return {};
}

}  // namespace strata::container

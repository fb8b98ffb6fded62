// A container's file system: its root, mounts, devices and masks, put together in its new mount namespace.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "container/cgroup/cgroup.h"
#include "container/rootfs/mount_options.h"
#include "container/spec/spec.h"

#include <functional>
#include <string>
#include <vector>

namespace strata::container {

/// Trees of the host that only the runtime itself may reach or map: what a user namespace would keep from the child.
struct HostTrees {
  std::vector<UniqueFd> mounts;  // one for each mount of the spec; empty where the child opens the source itself
  UniqueFd root;                 // empty where the child opens or makes it itself
};

/// Opens them, in the runtime's own namespaces. `user_namespace` is what `idmap` means without a map: the container's.
[[nodiscard]] Result<HostTrees> open_host_trees(const Spec& spec, const std::string& bundle);

/// The root as root on the host has to make it for a user namespace (a descriptor of it), before the child goes on.
[[nodiscard]] Result<UniqueFd> make_mapped_root(const Overlay& overlay, int user_namespace);

/// Where the root is made. The steps are called in this order, in the child and its own mount namespace.
class Rootfs {
 public:
  Rootfs(const Spec& spec, std::string root_path, std::string bundle, const Cgroup& cgroup, HostTrees trees)
      : spec_(spec),
        root_path_(std::move(root_path)),
        bundle_(std::move(bundle)),
        cgroup_(cgroup),
        trees_(std::move(trees)) {}

  /// The root that the runtime has made, by the child's descriptor of it.
  void use_root(UniqueFd root) { trees_.root = std::move(root); }
  /// In the runtime, once the container's user namespace has its maps: `idmap` means them.
  [[nodiscard]] Result<void> map_mounts(int user_namespace) const;
  /// Mounts all that the spec lists on the root, which is not yet the root of the process. `cgroups_made` is called when
  /// the folders of the cgroups have to be there.
  [[nodiscard]] Result<void> assemble(const std::function<Result<void>()>& cgroups_made);
  /// Binds the terminal (a descriptor of its slave end) to /dev/console.
  [[nodiscard]] Result<void> bind_console(int slave);
  /// Makes the root that of the process: nothing of the host's tree can be reached by name from here on.
  [[nodiscard]] Result<void> enter();
  /// Masked and read-only paths, a read-only root: last, for nothing can be mounted there any more.
  [[nodiscard]] Result<void> seal();

  [[nodiscard]] int root() const { return root_.get(); }

 private:
  Result<void> take_root();
  Result<UniqueFd> root_tree();
  Result<void> mount_one(const Mount& mount, UniqueFd tree, const std::function<Result<void>()>& cgroups_made);
  Result<UniqueFd> tree_of(const Mount& mount, const MountOptions& options, UniqueFd tree);
  Result<void> remount(const Mount& mount, const MountOptions& options);
  Result<void> mount_cgroups(const Mount& mount, const MountOptions& options);
  Result<void> make_devices();

  const Spec& spec_;
  std::string root_path_;
  std::string bundle_;
  const Cgroup& cgroup_;
  HostTrees trees_;
  UniqueFd root_;
  std::vector<std::string> read_only_later_;  // file systems that others are mounted in before they become read-only
};

/// Pieces with files of their own.
[[nodiscard]] Result<void> make_device_nodes(int root, const std::vector<DeviceNode>& extra);
[[nodiscard]] Result<void> make_device_links(int root);
[[nodiscard]] Result<void> mask_paths(int root, const std::vector<std::string>& paths);
[[nodiscard]] Result<void> make_paths_read_only(int root, const std::vector<std::string>& paths);
[[nodiscard]] Result<void> copy_tree(int from, int to);

}  // namespace strata::container

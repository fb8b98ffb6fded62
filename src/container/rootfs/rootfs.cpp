// Puts a container's file system together, and enters it.
#include "container/rootfs/rootfs.h"

#include "base/path_in_root.h"
#include "container/files.h"
#include "container/namespaces/namespaces.h"
#include "container/rootfs/mount_tree.h"
#include "container/rootfs/overlay.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include <algorithm>

namespace strata::container {
namespace {

// What a mount may cover of a procfs: files that say how large the machine is (lxcfs and its like), and nothing by which
// the kernel or the runtime's own checks of /proc/self could be fooled.
constexpr std::string_view proc_files_to_cover[] = {
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo",  "/proc/stat",    "/proc/swaps",
    "/proc/uptime",  "/proc/loadavg",   "/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid"};

bool is_on_procfs(int fd) {
  struct statfs found {};
  return ::fstatfs(fd, &found) == 0 && found.f_type == PROC_SUPER_MAGIC;
}

std::string absolute(const std::string& path, const std::string& folder) {
  return path.starts_with('/') ? path : folder + "/" + path;
}

bool is_bind(const Mount& mount, const MountOptions& options) {
  return options.bind || options.bind_recursive || mount.type == "bind";
}

// Makes the mount private that holds this directory, wherever its root is.
Result<void> make_mount_private(int directory) {
  struct statx found {};
  if (::statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &found) != 0) return fail_errno("finding the root's mount");
  const std::string wanted = std::to_string(found.stx_mnt_id) + " ";
  const std::string mounts = STRATA_TRY(read_file("/proc/self/mountinfo"));
  for (std::size_t begin = 0; begin < mounts.size(); begin = mounts.find('\n', begin) + 1) {
    if (mounts.compare(begin, wanted.size(), wanted) != 0) continue;
    std::size_t field = begin;  // number, above, device, root, place
    for (int i = 0; i < 4; ++i) field = mounts.find(' ', field) + 1;
    const std::string place = mounts.substr(field, mounts.find(' ', field) - field);
    if (::mount(nullptr, place.c_str(), nullptr, MS_PRIVATE, nullptr) != 0)
      return fail_errno("making {} private", place);
    return {};
  }
  return fail("the root's mount is not in /proc/self/mountinfo");
}

Result<UniqueFd> make_target(int root, const std::string& path, bool directory) {
  auto target = directory ? make_directory_in_root(root, path) : make_file_in_root(root, path);
  return with_context(std::move(target), "the mount's destination");
}

// Where the root is put until it is the only one. Root of a user namespace may not get to the path itself, as into the home
// of the host's root; then any folder does, for nobody but this process sees it.
Result<UniqueFd> place_for_root(const std::string& path) {
  for (const char* candidate : {path.c_str(), "/mnt", "/srv", "/tmp"}) {
    UniqueFd place(::open(candidate, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (place) return place;
    if (errno != EACCES) break;
  }
  return fail_errno("root {}", path);
}

// An ordinary user's runtime may not clone; its child may, and is the same user.
Result<UniqueFd> clone_if_allowed(const std::string& path, bool recursive) {
  auto opened = clone_tree(AT_FDCWD, path, recursive);
  if (!opened && opened.error().code == ErrorCode::permission_denied) return UniqueFd();
  return opened;
}

}  // namespace

Result<UniqueFd> make_mapped_root(const Overlay& overlay, int user_namespace) {
  return make_overlay(overlay, user_namespace, false);
}

namespace {

// A mount with ids of its own (`uidMappings`), where it is not the child's namespace that has them.
Result<UniqueFd> open_mapped_tree(const Mount& mount, const MountOptions& options, const std::string& bundle) {
  if (!is_bind(mount, options) || options.remount)
    return fail(ErrorCode::unsupported, "uidMappings and gidMappings are for binds");
  UniqueFd tree = STRATA_TRY(clone_tree(AT_FDCWD, absolute(mount.source, bundle), options.bind_recursive));
  const UniqueFd space = STRATA_TRY(make_user_namespace(mount.id_maps));
  STRATA_TRY(set_id_map(tree.get(), space.get(), options.id_map_recursive));
  return tree;
}

}  // namespace

Result<HostTrees> open_host_trees(const Spec& spec, const std::string& bundle) {
  HostTrees trees;
  const bool child_sees_less = spec.linux.find(NamespaceKind::user);
  if (child_sees_less && !spec.overlay)
    trees.root = STRATA_TRY(with_context(clone_if_allowed(absolute(spec.root_path, bundle), true), "root"));
  if (const auto* joined = spec.linux.find(NamespaceKind::user);
      spec.overlay && joined && !joined->path.empty() && ::geteuid() == 0) {
    const UniqueFd space(::open(joined->path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!space) return fail_errno("user namespace {}", joined->path);
    trees.root = STRATA_TRY(make_mapped_root(*spec.overlay, space.get()));
  }
  for (const auto& mount : spec.mounts) {
    const auto options = sort_mount_options(mount.options);
    UniqueFd tree;
    if (!mount.id_maps.empty())
      tree = STRATA_TRY(with_context(open_mapped_tree(mount, options, bundle), "mount {}", mount.destination));
    else if (is_bind(mount, options) && !options.remount && child_sees_less)
      tree = STRATA_TRY(with_context(clone_if_allowed(absolute(mount.source, bundle), options.bind_recursive),
                                     "mount {}", mount.destination));
    trees.mounts.push_back(std::move(tree));
  }
  return trees;
}

Result<void> Rootfs::map_mounts(int user_namespace) const {
  for (std::size_t i = 0; i < spec_.mounts.size(); ++i) {
    const auto options = sort_mount_options(spec_.mounts[i].options);
    const auto& mount = spec_.mounts[i];
    if ((!options.id_map && !options.id_map_recursive) || !mount.id_maps.empty()) continue;
    if (!trees_.mounts[i])
      return fail(ErrorCode::unsupported, "mounting {} on {}: idmap is for binds, and for root", mount.source,
                  mount.destination);
    STRATA_TRY(with_context(set_id_map(trees_.mounts[i].get(), user_namespace, options.id_map_recursive),
                            "mounting {} on {} with idmap", mount.source, mount.destination));
  }
  return {};
}

Result<void> Rootfs::assemble(const std::function<Result<void>()>& cgroups_made) {
  STRATA_TRY(take_root());
  for (std::size_t i = 0; i < spec_.mounts.size(); ++i) {
    const auto& mount = spec_.mounts[i];
    STRATA_TRY(with_context(mount_one(mount, std::move(trees_.mounts[i]), cgroups_made), "mounting {} ({}) on {}",
                            mount.source, mount.type.empty() ? "bind" : mount.type, mount.destination));
  }
  return make_devices();
}

// The root has to be a mount of its own, in a namespace from which nothing spreads to the host's but what is asked for.
Result<void> Rootfs::take_root() {
  const unsigned long asked = spec_.linux.rootfs_propagation;
  // What is unbindable could not become the root; it is made so when it is.
  const unsigned long first = !asked ? MS_SLAVE | MS_REC : asked & MS_UNBINDABLE ? MS_PRIVATE | MS_REC : asked;
  if (::mount(nullptr, "/", nullptr, first, nullptr) != 0) return fail_errno("setting the root's propagation");
  UniqueFd tree = STRATA_TRY(root_tree());
  const UniqueFd place = STRATA_TRY(place_for_root(root_path_));
  // pivot_root(2) takes neither a shared root nor one whose mount above is shared.
  if (asked & MS_SHARED) STRATA_TRY(make_mount_private(place.get()));
  if (asked & MS_SHARED) STRATA_TRY(set_propagation(tree.get(), MS_PRIVATE));
  if (auto attached = attach(tree.get(), place.get()); !attached)
    return with_context(std::move(attached), "root {}", root_path_);
  root_ = std::move(tree);
  return {};
}

Result<UniqueFd> Rootfs::root_tree() {
  if (trees_.root) return std::move(trees_.root);
  if (!spec_.overlay) return clone_tree(AT_FDCWD, root_path_, true);
  const bool in_own_namespace = spec_.linux.find(NamespaceKind::user) != nullptr;
  return make_overlay(*spec_.overlay, -1, in_own_namespace);
}

Result<void> Rootfs::mount_one(const Mount& mount, UniqueFd tree, const std::function<Result<void>()>& cgroups_made) {
  auto options = sort_mount_options(mount.options);
  if (options.remount) return remount(mount, options);
  if (mount.type == "cgroup" && !is_bind(mount, options)) {
    STRATA_TRY(cgroups_made());
    return mount_cgroups(mount, options);
  }

  // Others are mounted inside of /dev; it can become read-only only when they are there.
  const bool later = options.read_only() && !is_bind(mount, options);
  if (later) {
    options.own.set &= ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
    options.recursive.set &= ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
    read_only_later_.push_back(mount.destination);
  }

  UniqueFd made = STRATA_TRY(tree_of(mount, options, std::move(tree)));
  const UniqueFd target = STRATA_TRY(make_target(root_.get(), mount.destination, is_directory(made.get())));
  const auto allowed = std::ranges::find(proc_files_to_cover, mount.destination) != std::end(proc_files_to_cover);
  if (mount.type != "proc" && is_on_procfs(target.get()) && !allowed)
    return fail(ErrorCode::bad_data, "nothing may be mounted inside of a procfs, but on {}", proc_files_to_cover[0]);
  if (options.copy_up) {
    const UniqueFd old = STRATA_TRY(open_in_root(root_.get(), mount.destination, O_RDONLY | O_DIRECTORY));
    STRATA_TRY(attach(made.get(), target.get()));
    const UniqueFd now = STRATA_TRY(open_in_root(root_.get(), mount.destination, O_RDONLY | O_DIRECTORY));
    STRATA_TRY(with_context(copy_tree(old.get(), now.get()), "copying up {}", mount.destination));
  } else {
    STRATA_TRY(attach(made.get(), target.get()));
  }
  for (const auto flags : options.propagations) STRATA_TRY(set_propagation(made.get(), flags));
  return {};
}

// The mount itself, with its attributes, not yet in its place.
Result<UniqueFd> Rootfs::tree_of(const Mount& mount, const MountOptions& options, UniqueFd tree) {
  if (!is_bind(mount, options)) {
    MountSettings settings = options.settings;
    if (!spec_.linux.mount_label.empty() && mount.type != "proc" && mount.type != "sysfs")
      settings.emplace_back("context", spec_.linux.mount_label);
    auto made = STRATA_TRY(make_file_system(mount.type, mount.source, settings, options.own.set));
    STRATA_TRY(set_attributes(made.get(), options.recursive, false));
    return made;
  }
  if (!tree) tree = STRATA_TRY(clone_tree(AT_FDCWD, absolute(mount.source, bundle_), options.bind_recursive));
  STRATA_TRY(set_attributes(tree.get(), options.own, false));
  STRATA_TRY(set_attributes(tree.get(), options.recursive, true));
  return tree;
}

Result<void> Rootfs::remount(const Mount& mount, const MountOptions& options) {
  const UniqueFd there = STRATA_TRY(open_in_root(root_.get(), mount.destination, O_PATH));
  STRATA_TRY(set_attributes(there.get(), options.own, false));
  return set_attributes(there.get(), options.recursive, true);
}

// Cgroup v2 is one file system; v1 one for each controller, below a tmpfs. Without a cgroup namespace the container sees
// its own cgroup as the root of each, by binding. Folders of the host's hierarchies are cloned: a mount in the cgroup
// namespace would show the same, and cost the kernel a file system for each.
Result<void> Rootfs::mount_cgroups(const Mount& mount, const MountOptions& options) {
  auto views = cgroup_.views();
  std::erase_if(views, [](const Cgroup::View& view) { return !exists(view.folder); });  // hierarchies left out
  const auto put = [&](const Cgroup::View& view, const std::string& place) -> Result<void> {
    const UniqueFd made = STRATA_TRY(clone_tree(AT_FDCWD, view.folder, false));
    STRATA_TRY(set_attributes(made.get(), options.own, false));
    const UniqueFd target = STRATA_TRY(make_target(root_.get(), place, true));
    return attach(made.get(), target.get());
  };
  if (views.size() == 1 && views[0].v2) return put(views[0], mount.destination);

  const auto rights = options.own.set & ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
  const UniqueFd made = STRATA_TRY(make_file_system("tmpfs", "tmpfs", {{"mode", "755"}}, rights));
  const UniqueFd target = STRATA_TRY(make_target(root_.get(), mount.destination, true));
  STRATA_TRY(attach(made.get(), target.get()));
  for (const auto& view : views)
    STRATA_TRY(with_context(put(view, mount.destination + "/" + view.name), "cgroup {}", view.name));
  for (const auto& view : views)
    for (const auto& alias : view.aliases)
      if (::symlinkat(view.name.c_str(), made.get(), alias.c_str()) != 0 && errno != EEXIST)
        return fail_errno("link {}", alias);
  if (options.read_only()) read_only_later_.push_back(mount.destination);
  return {};
}

Result<void> Rootfs::make_devices() {
  // A /dev that is the host's, or part of the image, is left alone.
  const auto dev = std::ranges::find_if(
      spec_.mounts, [](const Mount& mount) { return mount.destination == "/dev" || mount.destination == "/dev/"; });
  const bool own_dev = dev == spec_.mounts.end() || !is_bind(*dev, sort_mount_options(dev->options));
  if (!own_dev) return {};
  STRATA_TRY(make_device_nodes(root_.get(), spec_.linux.devices));
  return make_device_links(root_.get());
}

Result<void> Rootfs::bind_console(int slave) {
  const UniqueFd tree = STRATA_TRY(clone_tree(slave, false));
  const UniqueFd target = STRATA_TRY(make_target(root_.get(), "/dev/console", false));
  if (is_on_procfs(target.get())) return fail(ErrorCode::bad_data, "/dev/console of the container is in a procfs");
  return with_context(attach(tree.get(), target.get()), "/dev/console");
}

Result<void> Rootfs::enter() {
  if (::fchdir(root_.get()) != 0) return fail_errno("entering the root");
  // Both arguments the same: the old root is stacked on the new one, from where it is taken away at once.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno("changing the root (pivot_root)");
  if (::umount2(".", MNT_DETACH) != 0) return fail_errno("leaving the host's root");
  if (::chdir("/") != 0) return fail_errno("entering the root");
  const unsigned long asked = spec_.linux.rootfs_propagation;
  if (asked && ::mount(nullptr, "/", nullptr, asked, nullptr) != 0) return fail_errno("setting the root's propagation");
  root_.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return {};
}

Result<void> Rootfs::seal() {
  const MountAttributes read_only{.set = MOUNT_ATTR_RDONLY};
  for (const auto& path : read_only_later_) {
    const UniqueFd place = STRATA_TRY(open_in_root(root_.get(), path, O_PATH));
    STRATA_TRY(with_context(set_attributes(place.get(), read_only, false), "{}", path));
  }
  STRATA_TRY(make_paths_read_only(root_.get(), spec_.linux.readonly_paths));
  STRATA_TRY(mask_paths(root_.get(), spec_.linux.masked_paths));
  if (spec_.root_readonly) return with_context(set_attributes(root_.get(), read_only, false), "the root");
  return {};
}

}  // namespace strata::container

// Masked and read-only paths.
#include "base/path_in_root.h"
#include "container/files.h"
#include "container/rootfs/mount_tree.h"
#include "container/rootfs/rootfs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

namespace strata::container {
namespace {

// A path of the list that the container does not have needs no mask. Others' containers may have it.
Result<UniqueFd> open_if_there(int root, const std::string& path) {
  auto opened = open_in_root(root, path, O_PATH);
  if (!opened && opened.error().code == ErrorCode::not_found) return UniqueFd();
  return opened;
}

// The container's own /dev/null, if it is one: another file would show its contents in place of what is masked.
Result<UniqueFd> open_null(int root) {
  UniqueFd null = STRATA_TRY(open_in_root(root, "/dev/null", O_PATH | O_NOFOLLOW));
  struct stat found {};
  if (::fstat(null.get(), &found) != 0 || !S_ISCHR(found.st_mode) || found.st_rdev != 0x103)
    return fail(ErrorCode::bad_data, "/dev/null of the container is not the null device");
  return null;
}

}  // namespace

Result<void> mask_paths(int root, const std::vector<std::string>& paths) {
  UniqueFd empty;  // one empty, read-only directory for all
  UniqueFd null;
  for (const auto& path : paths) {
    const UniqueFd target = STRATA_TRY(with_context(open_if_there(root, path), "masking {}", path));
    if (!target) continue;
    UniqueFd cover;
    if (is_directory(target.get())) {
      if (!empty) {
        cover =
            STRATA_TRY(make_file_system("tmpfs", "tmpfs", {{"size", "0"}, {"nr_inodes", "1"}},
                                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
        STRATA_TRY(attach(cover.get(), target.get()));
        empty = std::move(cover);
        continue;
      }
      cover = STRATA_TRY(clone_tree(empty.get(), false));
    } else {
      if (!null) null = STRATA_TRY(open_null(root));
      cover = STRATA_TRY(clone_tree(null.get(), false));
    }
    STRATA_TRY(with_context(attach(cover.get(), target.get()), "masking {}", path));
  }
  return {};
}

Result<void> make_paths_read_only(int root, const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    const UniqueFd target = STRATA_TRY(with_context(open_if_there(root, path), "read-only path {}", path));
    if (!target) continue;
    const UniqueFd tree = STRATA_TRY(clone_tree(target.get(), true));
    STRATA_TRY(set_attributes(tree.get(), {.set = MOUNT_ATTR_RDONLY}, true));
    STRATA_TRY(with_context(attach(tree.get(), target.get()), "read-only path {}", path));
  }
  return {};
}

}  // namespace strata::container

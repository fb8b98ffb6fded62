// Starts this program again from a file that nobody can write.
#include "oci/own_program.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>

namespace strata::oci {
namespace {

constexpr const char* own_path = "/proc/self/exe";
constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

bool is_guarded(int own) {
  struct statvfs mount {};
  if (::fstatvfs(own, &mount) == 0 && (mount.f_flag & ST_RDONLY)) return true;
  return ::fcntl(own, F_GET_SEALS) == seals;
}

// The same file, on a copy of its mount that is read-only.
UniqueFd on_read_only_mount() {
  UniqueFd tree(::open_tree(AT_FDCWD, own_path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (!tree || ::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &read_only, sizeof read_only) != 0) return UniqueFd();
  return tree;
}

Result<UniqueFd> sealed_copy(int own) {
  struct stat status {};
  UniqueFd copy(::memfd_create("strata-oci", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy || ::fstat(own, &status) != 0) return fail_errno("copying this program");
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t sent = ::sendfile(copy.get(), own, nullptr, static_cast<std::size_t>(left));
    if (sent <= 0) return fail_errno("copying this program");
    left -= sent;
  }
  if (::fcntl(copy.get(), F_ADD_SEALS, seals) != 0) return fail_errno("sealing a copy of this program");
  return copy;
}

}  // namespace

Result<void> guard_own_program(char** argv) {
  const UniqueFd own(::open(own_path, O_RDONLY | O_CLOEXEC));
  if (!own) return fail_errno("{} (is /proc mounted?)", own_path);
  if (is_guarded(own.get())) return {};
  UniqueFd guarded = on_read_only_mount();
  if (!guarded) guarded = STRATA_TRY(sealed_copy(own.get()));
  ::execveat(guarded.get(), "", argv, environ, AT_EMPTY_PATH);
  return fail_errno("starting from a guarded copy of this program");
}

}  // namespace strata::oci

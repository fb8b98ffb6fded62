// Copies a small tree of files, as tmpcopyup wants it.
#include "container/rootfs/rootfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

namespace strata::container {
namespace {

constexpr int max_depth = 64;  // of directories in a place that is copied up

Result<void> copy_tree(int from, int to, int depth);

Result<void> copy_file(int from, int to, const char* name, const struct stat& status) {
  const UniqueFd source(::openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  const UniqueFd copy(::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, status.st_mode & 07777));
  if (!source || !copy) return fail_errno("{}", name);
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t sent = ::sendfile(copy.get(), source.get(), nullptr, static_cast<std::size_t>(left));
    if (sent < 0) return fail_errno("{}", name);
    if (sent == 0) break;
    left -= sent;
  }
  return {};
}

Result<void> copy_link(int from, int to, const char* name) {
  char target[4096];
  const ssize_t size = ::readlinkat(from, name, target, sizeof target - 1);
  if (size < 0) return fail_errno("{}", name);
  target[size] = 0;
  if (::symlinkat(target, to, name) != 0) return fail_errno("{}", name);
  return {};
}

Result<void> copy_directory(int from, int to, const char* name, int depth) {
  if (::mkdirat(to, name, 0700) != 0) return fail_errno("{}", name);
  const UniqueFd source(::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const UniqueFd copy(::openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!source || !copy) return fail_errno("{}", name);
  return with_context(copy_tree(source.get(), copy.get(), depth + 1), "{}", name);
}

// Devices and pipes have no contents to begin with, and are left out.
Result<void> copy_entry(int from, int to, const char* name, int depth) {
  struct stat status {};
  if (::fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("{}", name);
  if (S_ISLNK(status.st_mode)) {
    STRATA_TRY(copy_link(from, to, name));
  } else if (S_ISREG(status.st_mode)) {
    STRATA_TRY(copy_file(from, to, name, status));
  } else if (S_ISDIR(status.st_mode)) {
    STRATA_TRY(copy_directory(from, to, name, depth));
  } else {
    return {};
  }
  if (::fchownat(to, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("{}", name);
  if (!S_ISLNK(status.st_mode) && ::fchmodat(to, name, status.st_mode & 07777, 0) != 0) return fail_errno("{}", name);
  return {};
}

Result<void> copy_tree(int from, int to, int depth) {
  if (depth > max_depth) return fail(ErrorCode::bad_data, "more than {} directories deep", max_depth);
  const int own = ::openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(own < 0 ? nullptr : ::fdopendir(own), ::closedir);
  if (!folder) return fail_errno("reading a directory");
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") STRATA_TRY(copy_entry(from, to, entry->d_name, depth));
  }
  return {};
}

}  // namespace

Result<void> copy_tree(int from, int to) { return copy_tree(from, to, 0); }

}  // namespace strata::container

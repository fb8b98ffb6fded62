// Copies by reflink, else by the kernel, hole by hole.
#include "image/file_copy.h"

#include "base/unique_fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <memory>
#include <string_view>
#include <vector>

namespace strata::image {
namespace {

std::array<timespec, 2> times_of(const struct stat& status) { return {timespec{0, UTIME_OMIT}, status.st_mtim}; }

bool is_of_overlayfs(std::string_view name) {
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.");
}

Result<void> copy_extended(int from, int to) {
  std::vector<char> names(1 << 16);
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  if (size < 0) return errno == EOPNOTSUPP ? Result<void>() : fail_errno("reading extended attributes");
  std::vector<char> value(1 << 16);
  for (const char* name = names.data(); name < names.data() + size; name += std::string_view(name).size() + 1) {
    if (is_of_overlayfs(name)) continue;
    const ssize_t length = ::fgetxattr(from, name, value.data(), value.size());
    if (length < 0) continue;  // one that only others may read
    const bool set = ::fsetxattr(to, name, value.data(), static_cast<std::size_t>(length), 0) == 0;
    if (!set && errno != EPERM && errno != EOPNOTSUPP) return fail_errno("the attribute {}", name);
  }
  return {};
}

// One stretch of data. copy_file_range(2) does not work between all file systems.
Result<void> copy_range(int from, int to, off_t begin, off_t end) {
  std::vector<char> buffer;
  while (begin < end) {
    loff_t in = begin;
    loff_t out = begin;
    ssize_t count = ::copy_file_range(from, &in, to, &out, static_cast<std::size_t>(end - begin), 0);
    if (count <= 0) {
      buffer.resize(1 << 18);
      count = ::pread(from, buffer.data(), std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(end - begin)),
                      begin);
      if (count > 0) count = ::pwrite(to, buffer.data(), static_cast<std::size_t>(count), begin);
    }
    if (count < 0) return fail_errno("copying");
    if (count == 0) return {};
    begin += count;
  }
  return {};
}

Result<void> copy_content(int from, int to, off_t size) {
  if (size == 0 || ::ioctl(to, FICLONE, from) == 0) return {};
  off_t begin = ::lseek(from, 0, SEEK_DATA);
  while (begin >= 0 && begin < size) {
    const off_t end = ::lseek(from, begin, SEEK_HOLE);
    if (end < 0) return fail_errno("looking for holes");
    STRATA_TRY(copy_range(from, to, begin, end));
    begin = ::lseek(from, end, SEEK_DATA);
  }
  if (begin < 0 && errno != ENXIO) return fail_errno("looking for data");
  if (::ftruncate(to, size) != 0) return fail_errno("setting the size");
  return {};
}

Result<void> copy_regular(int from, int to, const char* name, const struct stat& status, const OwnerFn& owner) {
  const UniqueFd source(::openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!source) return fail_errno("opening");
  const UniqueFd copy(::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!copy) return fail_errno("making");
  STRATA_TRY(copy_content(source.get(), copy.get(), status.st_size));
  return copy_attributes(source.get(), copy.get(), status, owner);
}

Result<void> copy_other(int from, int to, const char* name, const struct stat& status, const OwnerFn& owner) {
  if (S_ISLNK(status.st_mode)) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(from, name, target.data(), target.size() - 1);
    if (size < 0 || ::symlinkat(target.data(), to, name) != 0) return fail_errno("copying");
  } else if (S_ISFIFO(status.st_mode)) {
    if (::mkfifoat(to, name, status.st_mode & 07777) != 0) return fail_errno("making");
  } else {
    return {};
  }
  const auto ids = STRATA_TRY(owner(status));
  if (ids && ::fchownat(to, name, ids->first, ids->second, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("the owner");
  if (::utimensat(to, name, times_of(status).data(), AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("the time");
  return {};
}

}  // namespace

bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0); }

bool is_opaque(int directory) {
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    char value = 0;
    if (::fgetxattr(directory, name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

Result<std::vector<std::string>> names_in(int directory) {
  const int own = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(own < 0 ? nullptr : ::fdopendir(own), ::closedir);
  if (!stream) return fail_errno("reading a directory");
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

Result<void> remove_at(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return fail_errno("removing {}", name);
  {
    const UniqueFd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return fail_errno("removing {}", name);
    for (const std::string& child : STRATA_TRY(names_in(folder.get()))) STRATA_TRY(remove_at(folder.get(), child));
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) return fail_errno("removing {}", name);
  return {};
}

Result<void> copy_attributes(int from, int to, const struct stat& status, const OwnerFn& owner) {
  const auto ids = STRATA_TRY(owner(status));
  if (ids && ::fchown(to, ids->first, ids->second) != 0) return fail_errno("the owner");
  if (::fchmod(to, status.st_mode & 07777) != 0) return fail_errno("the mode");
  STRATA_TRY(copy_extended(from, to));
  if (::futimens(to, times_of(status).data()) != 0) return fail_errno("the time");
  return {};
}

Result<void> copy_file(int from, int to, const std::string& name, const struct stat& status, const OwnerFn& owner) {
  if (S_ISREG(status.st_mode)) return with_context(copy_regular(from, to, name.c_str(), status, owner), "{}", name);
  return with_context(copy_other(from, to, name.c_str(), status, owner), "{}", name);
}

}  // namespace strata::image

// Opening and making paths inside a container's root.
#include "base/path_in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace strata {
Result<UniqueFd> open_in_root(int root, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    // The kernel says EAGAIN where a rename in the meantime kept it from being sure.
    if (errno != EAGAIN && errno != EINTR) return fail_errno("{}", path);
  }
}

Result<UniqueFd> make_directory_in_root(int root, const std::string& path, mode_t mode) {
  auto there = open_in_root(root, path, O_PATH | O_DIRECTORY);
  if (there || there.error().code != ErrorCode::not_found) return there;
  const auto [parent, name] = STRATA_TRY(make_parent_in_root(root, path));
  if (::mkdirat(parent.get(), name.c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno("making directory {}", path);
  return open_in_root(root, path, O_PATH | O_DIRECTORY);
}

Result<ParentInRoot> make_parent_in_root(int root, const std::string& path) {
  std::string plain = path;
  while (plain.ends_with('/') || plain.ends_with("/.")) plain.pop_back();
  const std::size_t begin = plain.find_last_of('/') + 1;  // 0 if there is none
  std::string name = plain.substr(begin);
  if (name.empty() || name == "." || name == "..")
    return fail(ErrorCode::bad_data, "{} names no file in the container", path);
  return ParentInRoot{.directory = STRATA_TRY(make_directory_in_root(root, "/" + plain.substr(0, begin))),
                      .name = std::move(name)};
}

Result<UniqueFd> make_file_in_root(int root, const std::string& path) {
  if (auto there = open_in_root(root, path, O_PATH)) return there;
  auto [directory, name] = STRATA_TRY(make_parent_in_root(root, path));
  const UniqueFd made(::openat(directory.get(), name.c_str(), O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!made && errno != EEXIST && errno != ELOOP) return fail_errno("making file {}", path);
  return open_in_root(root, path, O_PATH);
}

}  // namespace strata

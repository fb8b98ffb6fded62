#include "container/rootfs/path_in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <vector>

namespace strata::container {
namespace {

// Splits at slashes; "." and empty components go, ".." stays for the kernel to resolve.
std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> all;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string one = path.substr(begin, end - begin);
    if (!one.empty() && one != ".") all.push_back(one);
    begin = end + 1;
  }
  return all;
}

}  // namespace

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
  if (auto there = open_in_root(root, path, O_PATH | O_DIRECTORY)) return there;
  const auto names = components(path);
  // The way so far is walked from the root again for each step, so that ".." and links mean what they mean inside.
  std::string way;
  UniqueFd at = STRATA_TRY(open_in_root(root, "/", O_PATH | O_DIRECTORY));
  for (std::size_t i = 0; i < names.size(); ++i) {
    way += "/" + names[i];
    auto next = open_in_root(root, way, O_PATH | O_DIRECTORY);
    if (!next && next.error().code == ErrorCode::not_found) {
      if (::mkdirat(at.get(), names[i].c_str(), i + 1 == names.size() ? mode : 0755) != 0 && errno != EEXIST)
        return fail_errno("making directory {}", way);
      next = open_in_root(root, way, O_PATH | O_DIRECTORY);
    }
    at = STRATA_TRY(std::move(next));
  }
  return at;
}

Result<ParentInRoot> make_parent_in_root(int root, const std::string& path) {
  const auto names = components(path);
  if (names.empty() || names.back() == "..")
    return fail(ErrorCode::bad_data, "{} names no file in the container", path);
  std::string parent = "/";
  for (std::size_t i = 0; i + 1 < names.size(); ++i) parent += names[i] + "/";
  return ParentInRoot{.directory = STRATA_TRY(make_directory_in_root(root, parent)), .name = names.back()};
}

Result<UniqueFd> make_file_in_root(int root, const std::string& path) {
  if (auto there = open_in_root(root, path, O_PATH)) return there;
  auto [directory, name] = STRATA_TRY(make_parent_in_root(root, path));
  const UniqueFd made(::openat(directory.get(), name.c_str(), O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!made && errno != EEXIST && errno != ELOOP) return fail_errno("making file {}", path);
  return open_in_root(root, path, O_PATH);
}

std::string path_of_fd(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

}  // namespace strata::container

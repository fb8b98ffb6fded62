// Every path is followed by openat2 within the root, and what was found is used by descriptor; no magic links, no `..`.
#include "image/tree_writer.h"

#include "base/log.h"
#include "base/path_in_root.h"
#include "image/file_copy.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace strata::image {
namespace {

constexpr mode_t while_writing = 0700;

std::pair<std::string, std::string> split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// Of all that an archive may carry, what a container's files can need. The attributes that overlayfs acts on would let a
// layer point anywhere.
bool is_kept(std::string_view name) {
  if (name == "security.capability") return true;
  return name.starts_with("user.") && !name.starts_with("user.overlay.") && !name.starts_with("user.fuseoverlayfs.") &&
         !name.starts_with("user.containers.");
}

Result<void> set_extended(int fd, const std::string& path, const EntryAttributes& attributes) {
  for (const auto& [name, value] : attributes.extended) {
    if (!is_kept(name)) {
      log::debug("{}: the attribute {} is left out", path, name);
      continue;
    }
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) continue;
    // Where the user or the file system cannot have it, the file is of use without it.
    if (errno != EPERM && errno != EOPNOTSUPP) return fail_errno("{}: the attribute {}", path, name);
    log::debug("{}: the attribute {} cannot be set here", path, name);
  }
  return {};
}

std::array<timespec, 2> times_of(const EntryAttributes& attributes) {
  return {timespec{0, UTIME_OMIT}, attributes.modified};
}

Error owner_error(const std::string& path, const EntryAttributes& attributes) {
  if (errno != EINVAL) return error_from_errno(errno).context("the owner of {}", path);
  return Error{
      ErrorCode::unsupported,
      fmt::format("{} belongs to {}:{}, and you have no such subordinate ids: larger ranges in /etc/subuid and "
                  "/etc/subgid bring them",
                  path, attributes.user, attributes.group)};
}

}  // namespace

Result<std::string> clean_path(std::string_view path) {
  std::string clean;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (component == "..") return fail(ErrorCode::bad_data, "its path leads upwards by '..'");
    if (!clean.empty()) clean += '/';
    clean += component;
  }
  return clean;
}

Result<UniqueFd> TreeWriter::open_directory(const std::string& path) {
  return open_in_root(root_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
}

Result<TreeWriter::Place> TreeWriter::place_of(const std::string& path) {
  auto [parent, name] = split(path);
  if (!last_directory_ || parent != last_parent_) {
    auto opened = open_directory(parent);
    last_directory_.reset();
    last_directory_ = opened ? std::move(*opened) : STRATA_TRY(make_directories(parent));
    last_parent_ = parent;
  }
  return Place{last_directory_.get(), std::move(name)};
}

// One component after the other, each seen from the root so that symbolic links on the way count.
Result<UniqueFd> TreeWriter::make_directories(const std::string& path) {
  UniqueFd parent = STRATA_TRY(open_directory(""));
  std::size_t end = 0;
  while (end != std::string::npos && !path.empty()) {
    const std::size_t begin = end == 0 ? 0 : end + 1;
    end = path.find('/', begin);
    const std::string so_far = path.substr(0, end);
    auto next = open_directory(so_far);
    if (!next) {
      STRATA_TRY(make_one_directory(so_far, parent.get(), path.substr(begin, end - begin)));
      next = open_directory(so_far);
    }
    if (!next) return tl::unexpected(std::move(next.error()).context("{}", path));
    parent = std::move(*next);
  }
  return parent;
}

// In place of a whiteout, the directory hides what the lower layers have in it.
Result<void> TreeWriter::make_one_directory(const std::string& path, int parent, const std::string& name) {
  struct stat status = {};
  const bool exists = ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (exists && S_ISLNK(status.st_mode))
    return fail(ErrorCode::bad_data, "{} is a symbolic link that leads nowhere in this layer", path);
  if (exists && S_ISDIR(status.st_mode)) return fail(ErrorCode::permission_denied, "{} cannot be opened", path);
  if (exists) STRATA_TRY(remove_at(parent, name));
  if (::mkdirat(parent, name.c_str(), while_writing) != 0) return fail_errno("making {}", path);
  if (exists && is_whiteout(status)) {
    const UniqueFd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return fail_errno("opening {}", path);
    STRATA_TRY(set_opaque(directory.get(), path));
  }
  implied_.insert(path);
  directories_[path] = {.mode = 0755};
  return {};
}

Result<void> TreeWriter::clear(const Place& place, const std::string& path) {
  STRATA_TRY(with_context(remove_at(place.directory, place.name), "{}", path));
  // What was below is gone, and is no directory to be finished; nor is it the parent of what comes next.
  const auto is_below = [&](const std::string& other) {
    return other == path || (other.starts_with(path) && other[path.size()] == '/');
  };
  std::erase_if(directories_, [&](const auto& entry) { return is_below(entry.first); });
  std::erase_if(implied_, is_below);
  return {};
}

Result<void> TreeWriter::add_directory(const std::string& path, const EntryAttributes& attributes) {
  if (!path.empty()) {
    const Place place = STRATA_TRY(place_of(path));
    if (::mkdirat(place.directory, place.name.c_str(), while_writing) != 0) {
      struct stat status = {};
      if (errno != EEXIST) return fail_errno("making {}", path);
      if (::fstatat(place.directory, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_errno("looking at {}", path);
      if (!S_ISDIR(status.st_mode)) {
        STRATA_TRY(clear(place, path));
        if (::mkdirat(place.directory, place.name.c_str(), while_writing) != 0) return fail_errno("making {}", path);
        if (is_whiteout(status)) STRATA_TRY(make_opaque(path));
      }
    }
  }
  directories_[path] = attributes;
  implied_.erase(path);
  return {};
}

Result<UniqueFd> TreeWriter::add_file(const std::string& path) {
  const Place place = STRATA_TRY(place_of(path));
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file(::openat(place.directory, place.name.c_str(), flags, 0600));
  if (!file && errno == EEXIST) {
    STRATA_TRY(clear(place, path));
    file = UniqueFd(::openat(place.directory, place.name.c_str(), flags, 0600));
  }
  if (!file) return fail_errno("making {}", path);
  return file;
}

Result<void> TreeWriter::finish_file(int file, const std::string& path, const EntryAttributes& attributes) const {
  return set_attributes(file, path, attributes);
}

// In this order: a new owner takes set-user-id and capabilities from a file.
Result<void> TreeWriter::set_attributes(int fd, const std::string& path, const EntryAttributes& attributes) const {
  if (owners_ && ::fchown(fd, attributes.user, attributes.group) != 0)
    return tl::unexpected(owner_error(path, attributes));
  if (::fchmod(fd, attributes.mode) != 0) return fail_errno("the mode of {}", path);
  STRATA_TRY(set_extended(fd, path, attributes));
  if (::futimens(fd, times_of(attributes).data()) != 0) return fail_errno("the time of {}", path);
  return {};
}

Result<void> TreeWriter::add_symlink(const std::string& path, const std::string& target,
                                     const EntryAttributes& attributes) {
  const Place place = STRATA_TRY(place_of(path));
  if (::symlinkat(target.c_str(), place.directory, place.name.c_str()) != 0) {
    if (errno != EEXIST) return fail_errno("making {}", path);
    STRATA_TRY(clear(place, path));
    if (::symlinkat(target.c_str(), place.directory, place.name.c_str()) != 0) return fail_errno("making {}", path);
  }
  if (owners_ &&
      ::fchownat(place.directory, place.name.c_str(), attributes.user, attributes.group, AT_SYMLINK_NOFOLLOW) != 0)
    return tl::unexpected(owner_error(path, attributes));
  if (::utimensat(place.directory, place.name.c_str(), times_of(attributes).data(), AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("the time of {}", path);
  return {};
}

Result<void> TreeWriter::add_fifo(const std::string& path, const EntryAttributes& attributes) {
  const Place place = STRATA_TRY(place_of(path));
  STRATA_TRY(clear(place, path));
  if (::mkfifoat(place.directory, place.name.c_str(), attributes.mode) != 0) return fail_errno("making {}", path);
  // Opened without waiting for a writer; nothing else can have the name, as this process made all that is here.
  const UniqueFd fifo(::openat(place.directory, place.name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!fifo) return fail_errno("opening {}", path);
  return set_attributes(fifo.get(), path, attributes);
}

Result<void> TreeWriter::add_hard_link(const std::string& path, const std::string& target) {
  const auto names = split(target);
  const auto& target_parent = names.first;
  const auto& target_name = names.second;
  const auto missing = [&] {
    return fail(ErrorCode::bad_data, "{} is a hard link to {}, which is not in this layer", path, target);
  };
  if (target_name.empty()) return missing();
  const auto directory = open_directory(target_parent);
  if (!directory) return missing();
  struct stat status = {};
  if (::fstatat(directory->get(), target_name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(status.st_mode) ||
      is_whiteout(status))
    return missing();
  if (path == target) return {};
  const Place place = STRATA_TRY(place_of(path));
  const auto link = [&] {
    return ::linkat(directory->get(), target_name.c_str(), place.directory, place.name.c_str(), 0) == 0;
  };
  if (link()) return {};
  if (errno == EEXIST) {
    STRATA_TRY(clear(place, path));
    if (link()) return {};
    if (errno == ENOENT) return missing();  // it was below what the link replaces
  }
  return fail_errno("making {}", path);
}

Result<void> TreeWriter::add_whiteout(const std::string& path) {
  const Place place = STRATA_TRY(place_of(path));
  if (::mknodat(place.directory, place.name.c_str(), S_IFCHR, makedev(0, 0)) == 0) return {};
  if (errno != EEXIST) return fail_errno("the whiteout of {}", path);
  // It hides what lower layers have, not what this one has; in a directory of this layer, that is all but its own.
  struct stat status = {};
  if (::fstatat(place.directory, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
    return make_opaque(path);
  return {};
}

Result<void> TreeWriter::make_opaque(const std::string& path) {
  const UniqueFd directory = STRATA_TRY(make_directories(path));
  return set_opaque(directory.get(), path);
}

Result<void> TreeWriter::set_opaque(int directory, const std::string& path) const {
  if (::fsetxattr(directory, "trusted.overlay.opaque", "y", 1, 0) == 0) return {};
  if (errno == EPERM && ::fsetxattr(directory, "user.overlay.opaque", "y", 1, 0) == 0) return {};
  return fail_errno("hiding what lower layers have in {}", path);
}

Result<void> TreeWriter::finish() {
  last_directory_.reset();
  // From the deepest on, as a directory may be closed even to its owner.
  for (auto entry = directories_.rbegin(); entry != directories_.rend(); ++entry) {
    const auto& [path, attributes] = *entry;
    auto directory = open_in_root(root_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) return tl::unexpected(std::move(directory.error()).context("finishing"));
    STRATA_TRY(set_attributes(directory->get(), path, attributes));
  }
  return {};
}

}  // namespace strata::image

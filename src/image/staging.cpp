// Makes, sweeps and publishes staging folders.
#include "image/staging.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view staging_prefix = ".building-";
constexpr std::string_view temporary_prefix = "strata-image-";
constexpr std::string_view temporary_link = ".temporary";  // in a staging folder, to the temporary one

// Files on another device are a file system that somebody mounted there, such as /proc: not ours to remove.
void remove_tree_on(const fs::path& directory, dev_t device) {
  ::chmod(directory.c_str(), 0700);
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    struct stat status = {};
    if (::lstat(entry.path().c_str(), &status) != 0 || status.st_dev != device) continue;
    S_ISDIR(status.st_mode) ? remove_tree_on(entry.path(), device) : static_cast<void>(::unlink(entry.path().c_str()));
  }
  ::rmdir(directory.c_str());
}

}  // namespace

void remove_tree(const fs::path& directory) {
  struct stat status = {};
  if (::lstat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) remove_tree_on(directory, status.st_dev);
}

Result<void> sync_to_disk(const fs::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno("writing {} to the disk", path.string());
  return {};
}

std::uint64_t stored_bytes_of(const fs::path& directory) {
  std::uint64_t sum = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    struct stat status = {};
    if (::lstat(entry.path().c_str(), &status) != 0) continue;
    sum += static_cast<std::uint64_t>(status.st_blocks) * 512;
    if (S_ISDIR(status.st_mode)) sum += stored_bytes_of(entry.path());
  }
  return sum;
}

// The lock of a live maker cannot be had.
std::uint64_t sweep_dead_stagings(const fs::path& parent) {
  std::uint64_t freed = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, ignored)) {
    if (!entry.path().filename().string().starts_with(staging_prefix)) continue;
    const UniqueFd lock(::open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    const fs::path temporary = fs::read_symlink(entry.path() / temporary_link, ignored);
    if (temporary.filename().string().starts_with(temporary_prefix)) remove_tree(temporary);
    freed += stored_bytes_of(entry.path());
    remove_tree(entry.path());
  }
  return freed;
}

Result<StagingFolder> StagingFolder::create(const fs::path& parent, std::string_view label) {
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) {
    errno = error.value();
    return fail_errno("making {}", parent.string());
  }
  sweep_dead_stagings(parent);
  while (true) {
    std::string path = (parent / fmt::format("{}{}-XXXXXX", staging_prefix, label)).string();
    if (::mkdtemp(path.data()) == nullptr) return fail_errno("making {}", path);
    UniqueFd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock && errno != ENOENT) return fail_errno("opening {}", path);
    // Somebody's sweep may have come between; then the folder is gone when the lock is ours.
    struct stat held = {};
    const bool locked = lock && ::flock(lock.get(), LOCK_EX) == 0 && ::fstat(lock.get(), &held) == 0;
    if (locked && held.st_nlink != 0) return StagingFolder(path, std::move(lock));
  }
}

Result<void> StagingFolder::make_temporary() {
  std::error_code error;
  std::string path = (fs::temp_directory_path(error) / fmt::format("{}XXXXXX", temporary_prefix)).string();
  if (error || ::mkdtemp(path.data()) == nullptr) return fail_errno("making {}", path);
  temporary_ = path;
  fs::permissions(temporary_, fs::perms::all | fs::perms::sticky_bit, error);
  fs::create_symlink(temporary_, directory_ / temporary_link, error);
  return {};
}

void StagingFolder::drop_temporary() {
  if (temporary_.empty()) return;
  remove_tree(temporary_);
  ::unlink((directory_ / temporary_link).c_str());
  temporary_.clear();
}

StagingFolder::~StagingFolder() {
  if (!lock_) return;
  drop_temporary();
  remove_tree(directory_);
}

Result<void> StagingFolder::publish(std::string_view name, bool replace, bool durable) {
  const fs::path target = directory_.parent_path() / name;
  drop_temporary();
  if (durable) STRATA_TRY(sync_to_disk(directory_));
  bool done = ::rename(directory_.c_str(), target.c_str()) == 0;
  const bool taken = !done && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
  if (taken && !replace) return fail(ErrorCode::already_exists, "there is {} already", target.string());
  if (taken) {
    // The folders trade names; the old one then goes as the staging folder that it has become.
    done = ::renameat2(AT_FDCWD, directory_.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0;
    if (done) remove_tree(directory_);
  }
  if (!done) return fail_errno("naming {}", target.string());
  lock_.reset();
  return durable ? sync_to_disk(target.parent_path()) : Result<void>();
}

}  // namespace strata::image

// Finding and making the folders of a user, and files in them that survive a crash.
#include "base/user_folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace strata {
namespace fs = std::filesystem;
namespace {

/// An environment variable that holds a full path; others are to be ignored, says the specification.
const char* full_path_in(const char* variable) {
  const char* value = std::getenv(variable);
  return value && value[0] == '/' ? value : nullptr;
}

bool is_own_folder(const fs::path& path) {
  struct stat about = {};
  return stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == geteuid();
}

Result<void> sync_folder(const fs::path& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return fail_errno("writing {} to the disk", folder.string());
  return {};
}

Result<void> write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t count = write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("writing {}", path.string());
    content.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

Result<fs::path> data_folder() {
  if (const char* data = full_path_in("XDG_DATA_HOME")) return fs::path(data) / "strata";
  if (const char* home = full_path_in("HOME")) return fs::path(home) / ".local/share/strata";
  return fail(ErrorCode::not_found, "no place for data: neither XDG_DATA_HOME nor HOME is set to a full path");
}

Result<fs::path> runtime_folder() {
  const std::string user = std::to_string(geteuid());
  fs::path folder;
  if (const char* runtime = full_path_in("XDG_RUNTIME_DIR")) {
    folder = fs::path(runtime) / "strata";
  } else if (is_own_folder("/run/user/" + user)) {
    folder = "/run/user/" + user + "/strata";
  } else {
    folder = STRATA_TRY(data_folder()) / "run";  // not below /tmp, where anybody may have made it before us
  }
  STRATA_TRY(make_private_folder(folder));
  struct stat about = {};
  if (lstat(folder.c_str(), &about) != 0) return fail_errno("looking at {}", folder.string());
  if (!S_ISDIR(about.st_mode) || about.st_uid != geteuid()) {
    return fail(ErrorCode::permission_denied, "{} is not a folder of yours; set XDG_RUNTIME_DIR to one",
                folder.string());
  }
  return folder;
}

Result<void> make_private_folder(const fs::path& folder) {
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT || !folder.has_parent_path() || folder.parent_path() == folder) {
    return fail_errno("making the folder {}", folder.string());
  }
  STRATA_TRY(make_private_folder(folder.parent_path()));
  if (mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail_errno("making the folder {}", folder.string());
}

Result<std::string> read_whole_file(const fs::path& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("reading {}", path.string());
  std::string content;
  char bytes[65536];
  while (true) {
    const ssize_t count = read(file.get(), bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading {}", path.string());
    if (count == 0) return content;
    content.append(bytes, static_cast<size_t>(count));
  }
}

Result<StagedFile> StagedFile::write(const fs::path& path, std::string_view content) {
  StagedFile staged(path, {});
  const fs::path temporary = staged.temporary();
  UniqueFd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("writing {}", temporary.string());
  staged.file_ = std::move(file);
  STRATA_TRY(write_all(staged.file_.get(), content, temporary));
  return staged;
}

StagedFile::~StagedFile() {
  if (file_) unlink(temporary().c_str());
}

Result<void> StagedFile::publish() {
  const fs::path from = temporary();
  if (fsync(file_.get()) != 0) return fail_errno("writing {} to the disk", from.string());
  if (rename(from.c_str(), path_.c_str()) != 0) return fail_errno("writing {}", path_.string());
  file_.reset();
  return sync_folder(path_.parent_path());
}

Result<void> write_durably(const fs::path& path, std::string_view content) {
  StagedFile staged = STRATA_TRY(StagedFile::write(path, content));
  return staged.publish();
}

}  // namespace strata

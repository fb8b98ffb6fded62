// Reading and writing small files.
#include "container/files.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strata::container {
namespace {

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("writing");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("{}", path);
  std::string text;
  char chunk[8192];
  while (true) {
    const ssize_t size = ::read(file.get(), chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("{}", path);
    if (size == 0) return text;
    text.append(chunk, static_cast<std::size_t>(size));
    if (text.size() > limit) return fail(ErrorCode::bad_data, "{} has more than {} bytes", path, limit);
  }
}

Result<void> write_file(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return fail_errno("{}", path);
  if (::write(file.get(), text.data(), text.size()) < 0) return fail_errno("{}", path);
  return {};
}

Result<void> make_file(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file) return fail_errno("{}", path);
  return with_context(write_all(file.get(), text), "{}", path);
}

Result<void> replace_file(const std::string& path, std::string_view text) {
  const std::string fresh = fmt::format("{}.{}", path, ::getpid());
  const UniqueFd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) return fail_errno("{}", fresh);
  if (auto written = write_all(file.get(), text); !written || ::rename(fresh.c_str(), path.c_str()) != 0) {
    auto error = written ? error_from_errno(errno) : std::move(written.error());
    ::unlink(fresh.c_str());
    return tl::unexpected(std::move(error).context("{}", path));
  }
  return {};
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool is_directory(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
}

}  // namespace strata::container

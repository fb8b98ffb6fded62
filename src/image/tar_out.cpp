// Entries by libarchive, in a fixed order and without what depends on the host.
#include "image/tar_out.h"

#include "base/unique_fd.h"
#include "image/file_copy.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <climits>
#include <vector>

namespace strata::image {
namespace {

struct FreeEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};
using EntryPointer = std::unique_ptr<archive_entry, FreeEntry>;

EntryPointer entry_of(const std::string& name, const struct stat& status) {
  EntryPointer entry(::archive_entry_new());
  ::archive_entry_set_pathname(entry.get(), name.c_str());
  ::archive_entry_set_mode(entry.get(), status.st_mode);
  ::archive_entry_set_uid(entry.get(), status.st_uid);
  ::archive_entry_set_gid(entry.get(), status.st_gid);
  ::archive_entry_set_mtime(entry.get(), status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  ::archive_entry_set_size(entry.get(), S_ISREG(status.st_mode) ? status.st_size : 0);
  return entry;
}

// What a layer may bring (tree_writer.cpp), in the order of the names.
void add_extended(archive_entry* entry, int file) {
  std::vector<char> list(1 << 16);
  const ssize_t size = ::flistxattr(file, list.data(), list.size());
  std::vector<std::string> names;
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(names.back().size()) + 1) names.emplace_back(&list[at]);
  std::sort(names.begin(), names.end());
  std::vector<char> value(1 << 16);
  for (const std::string& name : names) {
    if (name != "security.capability" && !(name.starts_with("user.") && !name.starts_with("user.overlay."))) continue;
    const ssize_t length = ::fgetxattr(file, name.c_str(), value.data(), value.size());
    if (length >= 0)
      ::archive_entry_xattr_add_entry(entry, name.c_str(), value.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace

Result<std::unique_ptr<TarOut>> TarOut::begin(Sink sink) {
  std::unique_ptr<TarOut> out(new TarOut(std::move(sink)));
  const auto write = [](archive*, void* self, const void* bytes, std::size_t size) -> la_ssize_t {
    auto& tar = *static_cast<TarOut*>(self);
    tar.sink_error_ = tar.sink_({static_cast<const std::byte*>(bytes), size});
    return tar.sink_error_ ? static_cast<la_ssize_t>(size) : -1;
  };
  ::archive_write_set_format_pax_restricted(out->archive_);
  ::archive_write_set_bytes_in_last_block(out->archive_, 1);
  STRATA_TRY(out->check(::archive_write_open(out->archive_, out.get(), nullptr, write, nullptr)));
  return out;
}

TarOut::TarOut(Sink sink) : sink_(std::move(sink)), archive_(::archive_write_new()) {}

TarOut::~TarOut() {
  ::archive_write_fail(archive_);  // what is not finished is not ended either
  ::archive_write_free(archive_);
}

Result<void> TarOut::check(int code) {
  if (code >= ARCHIVE_WARN) return {};
  STRATA_TRY(sink_error_);
  return fail("writing an archive: {}", ::archive_error_string(archive_));
}

Result<void> TarOut::write_plain(const std::string& name, unsigned type, std::int64_t size) {
  struct stat status = {};
  status.st_mode = type | (S_ISDIR(type) ? 0755U : 0644U);
  status.st_size = size;
  return check(::archive_write_header(archive_, entry_of(name, status).get()));
}

Result<void> TarOut::add_folder(const std::string& name) { return write_plain(name, S_IFDIR, 0); }

Result<void> TarOut::add_text(const std::string& name, std::string_view content) {
  STRATA_TRY(write_plain(name, S_IFREG, static_cast<std::int64_t>(content.size())));
  return check(
      static_cast<int>(std::min<la_ssize_t>(0, ::archive_write_data(archive_, content.data(), content.size()))));
}

Result<void> TarOut::add_file(const std::string& name, const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!file || ::fstat(file.get(), &status) != 0) return fail_errno("reading {}", path.string());
  STRATA_TRY(write_plain(name, S_IFREG, status.st_size));
  return with_context(write_content(file.get(), status.st_size), "{}", path.string());
}

Result<void> TarOut::write_content(int file, std::int64_t size) {
  std::vector<char> buffer(1 << 18);
  while (size > 0) {
    const ssize_t count =
        ::read(file, buffer.data(), std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(size)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading");
    if (count == 0) return fail("it became shorter while it was read");
    STRATA_TRY(check(static_cast<int>(
        std::min<la_ssize_t>(0, ::archive_write_data(archive_, buffer.data(), static_cast<std::size_t>(count))))));
    size -= count;
  }
  return {};
}

Result<void> TarOut::add_tree(const std::filesystem::path& folder, bool mine, int cancel_fd) {
  mine_ = mine;
  cancel_fd_ = cancel_fd;
  const UniqueFd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("opening {}", folder.string());
  struct stat status = {};
  if (::fstat(root.get(), &status) != 0) return fail_errno("opening {}", folder.string());
  if (mine_) status.st_uid = status.st_gid = 0;
  STRATA_TRY(check(::archive_write_header(archive_, entry_of("./", status).get())));
  return add_below(root.get(), "");
}

Result<void> TarOut::add_below(int directory, const std::string& path) {
  std::vector<std::string> names = STRATA_TRY(names_in(directory));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) STRATA_TRY(add_entry(directory, name, path.empty() ? name : path + "/" + name));
  return {};
}

Result<void> TarOut::add_entry(int directory, const std::string& name, const std::string& path) {
  pollfd cancelled{cancel_fd_, POLLIN, 0};
  if (cancel_fd_ >= 0 && ::poll(&cancelled, 1, 0) > 0) return fail(ErrorCode::cancelled, "stopped");
  struct stat status = {};
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("{}", path);
  if (mine_) status.st_uid = status.st_gid = 0;
  const EntryPointer entry = entry_of(S_ISDIR(status.st_mode) ? path + "/" : path, status);
  if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
    const auto [first, is_first] = links_.emplace(std::pair(status.st_dev, status.st_ino), path);
    if (!is_first) {
      ::archive_entry_set_hardlink(entry.get(), first->second.c_str());
      ::archive_entry_set_size(entry.get(), 0);
      return check(::archive_write_header(archive_, entry.get()));
    }
  }
  if (S_ISLNK(status.st_mode)) {
    std::array<char, PATH_MAX> target{};
    if (::readlinkat(directory, name.c_str(), target.data(), target.size() - 1) < 0) return fail_errno("{}", path);
    ::archive_entry_set_symlink(entry.get(), target.data());
  }
  if (S_ISLNK(status.st_mode) || S_ISFIFO(status.st_mode)) return check(::archive_write_header(archive_, entry.get()));
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return {};

  const UniqueFd file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return fail_errno("{}", path);
  add_extended(entry.get(), file.get());
  STRATA_TRY(check(::archive_write_header(archive_, entry.get())));
  if (S_ISDIR(status.st_mode)) return add_below(file.get(), path);
  return with_context(write_content(file.get(), status.st_size), "{}", path);
}

Result<void> TarOut::finish() { return check(::archive_write_close(archive_)); }

}  // namespace strata::image

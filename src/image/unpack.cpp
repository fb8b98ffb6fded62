// Reads a layer's archive (libarchive) and hands its entries to TreeWriter.
#include "image/unpack.h"

#include "base/log.h"
#include "image/tree_writer.h"
#include "image/utf8_locale.h"

#include <archive.h>
#include <archive_entry.h>
#include <poll.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <memory>

namespace strata::image {
namespace {

constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view opaque_whiteout = ".wh..wh..opq";
constexpr std::string_view reserved_prefix = ".wh..wh.";  // of aufs, which nobody mounts any more
constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t reserve = 64 * mib;  // of the disk, that no layer may fill
constexpr std::uint64_t check_every = 64 * mib;

// The stream as libarchive pulls it; keeps the stream's own error, which says more than libarchive can.
struct Feed {
  LayerStream& stream;
  Result<void> error = {};

  static la_ssize_t read(archive*, void* self, const void** buffer) {
    auto& feed = *static_cast<Feed*>(self);
    auto piece = feed.stream.next();
    if (!piece) {
      feed.error = tl::unexpected(piece.error());
      return ARCHIVE_FATAL;
    }
    *buffer = piece->data();
    return static_cast<la_ssize_t>(piece->size());
  }
};

struct FreeArchive {
  void operator()(archive* a) const { ::archive_read_free(a); }
};

bool is_readable(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  return fd >= 0 && ::poll(&poll_fd, 1, 0) > 0;
}

class Unpacker {
 public:
  Unpacker(LayerStream& stream, int root, const UnpackOptions& options)
      : feed_{stream}, root_(root), options_(options), writer_(root, options.owners) {}

  Result<UnpackedLayer> run() {
    STRATA_TRY(open());
    archive_entry* entry = nullptr;
    while (true) {
      const int code = ::archive_read_next_header(archive_.get(), &entry);
      if (code == ARCHIVE_EOF) break;
      if (code < ARCHIVE_WARN) return archive_error();
      STRATA_TRY(check_limits());
      STRATA_TRY(add(entry));
    }
    STRATA_TRY(writer_.finish());
    // What follows the archive's end belongs to what was hashed.
    while (!STRATA_TRY(feed_.stream.next()).empty()) {
    }
    layer_.implied_directories.assign(writer_.implied_directories().begin(), writer_.implied_directories().end());
    return std::move(layer_);
  }

 private:
  tl::unexpected<Error> archive_error() const {
    if (!feed_.error) return tl::unexpected(feed_.error.error());
    const char* text = ::archive_error_string(archive_.get());
    return fail(ErrorCode::bad_data, "it is no tar archive: {}", text != nullptr ? text : "unknown");
  }

  Result<void> open() {
    archive_.reset(::archive_read_new());
    ::archive_read_support_format_tar(archive_.get());
    ::archive_read_support_format_empty(archive_.get());
    if (::archive_read_open(archive_.get(), &feed_, nullptr, Feed::read, nullptr) < ARCHIVE_WARN)
      return archive_error();
    return check_space();
  }

  Result<void> check_space() {
    struct statvfs status = {};
    if (::fstatvfs(root_, &status) != 0) return fail_errno("looking at free space");
    if (std::uint64_t{status.f_bavail} * status.f_frsize < reserve)
      return fail(ErrorCode::no_space, "less than {} MiB are free where layers are kept", reserve / mib);
    next_check_ = layer_.bytes + check_every;
    return {};
  }

  Result<void> check_limits() {
    if (++layer_.entries > options_.limits.entries)
      return fail(ErrorCode::bad_data, "it has more than {} files", options_.limits.entries);
    if (is_readable(options_.cancel_fd)) return fail(ErrorCode::cancelled, "stopped");
    return {};
  }

  Result<void> add(archive_entry* entry) {
    const char* name = ::archive_entry_pathname(entry);
    if (name == nullptr) return fail(ErrorCode::bad_data, "a file's name is not UTF-8");
    auto path = clean_path(name);
    if (!path) return tl::unexpected(std::move(path.error()).context("{}", name));
    const std::size_t slash = path->rfind('/');
    const std::string last = slash == std::string::npos ? *path : path->substr(slash + 1);
    if (last.starts_with(whiteout_prefix)) return add_whiteout(path->substr(0, path->size() - last.size()), last);
    if (const char* target = ::archive_entry_hardlink(entry)) return add_hard_link(*path, target);
    return add_by_type(entry, *path);
  }

  Result<void> add_whiteout(std::string parent, const std::string& name) {
    if (!parent.empty()) parent.pop_back();  // the slash
    if (name == opaque_whiteout) return writer_.make_opaque(parent);
    if (name.starts_with(reserved_prefix)) return {};
    const std::string hidden = name.substr(whiteout_prefix.size());
    if (hidden.empty() || hidden == "." || hidden == "..")
      return fail(ErrorCode::bad_data, "{} hides what is no file", name);
    return writer_.add_whiteout(parent.empty() ? hidden : parent + "/" + hidden);
  }

  Result<void> add_hard_link(const std::string& path, const char* target) {
    auto clean = clean_path(target);
    if (!clean) return tl::unexpected(std::move(clean.error()).context("the hard link {} to {}", path, target));
    if (path.empty()) return fail(ErrorCode::bad_data, "the root is a hard link");
    return writer_.add_hard_link(path, *clean);
  }

  Result<void> add_by_type(archive_entry* entry, const std::string& path) {
    const EntryAttributes attributes = attributes_of(entry);
    const auto type = ::archive_entry_filetype(entry);
    if (path.empty() && type != AE_IFDIR) return fail(ErrorCode::bad_data, "the root is no directory");
    switch (type) {
      case AE_IFDIR: return writer_.add_directory(path, attributes);
      case AE_IFREG: return add_file(entry, path, attributes);
      case AE_IFIFO: return writer_.add_fifo(path, attributes);
      case AE_IFLNK: {
        const char* target = ::archive_entry_symlink(entry);
        if (target == nullptr || *target == '\0') return fail(ErrorCode::bad_data, "{} is a link to nothing", path);
        return writer_.add_symlink(path, target, attributes);
      }
      default: log::debug("{} is a device node or a socket: it is left out", path); return {};
    }
  }

  static EntryAttributes attributes_of(archive_entry* entry) {
    EntryAttributes attributes{.mode = ::archive_entry_perm(entry) & 07777,
                               .user = static_cast<uid_t>(::archive_entry_uid(entry)),
                               .group = static_cast<gid_t>(::archive_entry_gid(entry)),
                               .modified = {::archive_entry_mtime(entry), ::archive_entry_mtime_nsec(entry)}};
    ::archive_entry_xattr_reset(entry);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
      attributes.extended.emplace_back(name, std::string(static_cast<const char*>(value), size));
    return attributes;
  }

  Result<void> add_file(archive_entry* entry, const std::string& path, const EntryAttributes& attributes) {
    const UniqueFd file = STRATA_TRY(writer_.add_file(path));
    STRATA_TRY(copy_content(entry, file.get(), path));
    return writer_.finish_file(file.get(), path, attributes);
  }

  // Blocks carry their place; what is between them is a hole.
  Result<void> copy_content(archive_entry* entry, int file, const std::string& path) {
    const la_int64_t size = ::archive_entry_size(entry);
    la_int64_t end = 0;
    while (size > 0) {
      const void* block = nullptr;
      std::size_t count = 0;
      la_int64_t offset = 0;
      const int code = ::archive_read_data_block(archive_.get(), &block, &count, &offset);
      if (code == ARCHIVE_EOF) break;
      if (code < ARCHIVE_WARN) return archive_error();
      STRATA_TRY(write_block(file, {static_cast<const char*>(block), count}, offset, path));
      end = std::max(end, offset + static_cast<la_int64_t>(count));
    }
    if (end < size && ::ftruncate(file, size) != 0) return fail_errno("{} with {} bytes", path, size);
    return {};
  }

  Result<void> write_block(int file, std::string_view block, la_int64_t offset, const std::string& path) {
    layer_.bytes += block.size();
    if (layer_.bytes > options_.limits.bytes)
      return fail(ErrorCode::bad_data, "its files have more than {} bytes", options_.limits.bytes);
    if (layer_.bytes >= next_check_) {
      STRATA_TRY(check_space());
      if (is_readable(options_.cancel_fd)) return fail(ErrorCode::cancelled, "stopped");
    }
    while (!block.empty()) {
      const ssize_t written = ::pwrite(file, block.data(), block.size(), offset);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail_errno("writing {}", path);
      block.remove_prefix(static_cast<std::size_t>(written));
      offset += written;
    }
    return {};
  }

  Feed feed_;
  const int root_;
  const UnpackOptions& options_;
  TreeWriter writer_;
  UnpackedLayer layer_;
  std::uint64_t next_check_ = 0;
  std::unique_ptr<archive, FreeArchive> archive_;
};

}  // namespace

Result<UnpackedLayer> unpack_layer(LayerStream& stream, int root, const UnpackOptions& options) {
  const Utf8Locale locale;
  auto layer = Unpacker(stream, root, options).run();
  if (layer) return layer;
  // Names come from the archive: no control character of theirs may reach a terminal.
  Error error = std::move(layer.error());
  std::replace_if(
      error.message.begin(), error.message.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return tl::unexpected(std::move(error));
}

}  // namespace strata::image

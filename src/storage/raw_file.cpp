// Disk requests as preadv, pwritev, fdatasync and fallocate on worker threads.
#include "storage/raw_file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "storage/sectors.h"

namespace strata::storage {
namespace {

constexpr unsigned most_threads = 4;  // requests of one disk that the host works on at once

Result<uint64_t> size_of(int file, const std::string& path) {
  struct stat status = {};
  if (fstat(file, &status) != 0) return fail_errno("disk {}", path);
  uint64_t size = 0;
  if (S_ISREG(status.st_mode)) {
    size = static_cast<uint64_t>(status.st_size);
  } else if (S_ISBLK(status.st_mode)) {
    if (ioctl(file, BLKGETSIZE64, &size) != 0) return fail_errno("disk {}: asking for its size", path);
  } else {
    return fail(ErrorCode::usage, "disk {} is neither a file nor a block device", path);
  }
  if (size == 0) return fail(ErrorCode::bad_data, "disk {} is empty", path);
  if (size % sector_size != 0) {
    return fail(ErrorCode::bad_data, "disk {} has {} bytes, which is no multiple of 512; `truncate -s %512` pads it",
                path, size);
  }
  return size;
}

/// A lock of the open file (F_OFD_SETLK), so that it ends with the descriptor and holds inside one process too. It is
/// advisory: programs that do not ask for locks are not kept out.
Result<void> lock(int file, bool read_only, const std::string& path) {
  struct flock whole_file = {};
  whole_file.l_type = static_cast<short>(read_only ? F_RDLCK : F_WRLCK);
  whole_file.l_whence = SEEK_SET;
  if (fcntl(file, F_OFD_SETLK, &whole_file) == 0) return {};
  if (errno != EAGAIN && errno != EACCES) {
    log::info("disk {} cannot be locked on this file system", path);
    return {};
  }
  if (read_only) return fail(ErrorCode::busy, "disk {} is being written by another machine; stop that one first", path);
  return fail(ErrorCode::busy, "disk {} is in use by another machine; stop that one first, or use snapshot in both",
              path);
}

std::vector<iovec> vectors_of(std::span<const iface::BlockStore::Segment> segments) {
  std::vector<iovec> vectors;
  vectors.reserve(segments.size());
  for (const auto& segment : segments)
    if (segment.size != 0) vectors.push_back({segment.data, segment.size});
  return vectors;
}

}  // namespace

Result<std::unique_ptr<RawFile>> RawFile::open(const std::string& path, bool read_only, iface::Executor& executor) {
  // Not blocking: a FIFO must be refused, not waited for.
  UniqueFd file(::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    const bool may_read = (errno == EACCES || errno == EROFS) && !read_only && access(path.c_str(), R_OK) == 0;
    if (!may_read) return fail_errno("disk {}", path);
    return fail(ErrorCode::permission_denied, "disk {} may not be written; use it with readonly or snapshot", path);
  }
  const uint64_t size = STRATA_TRY(size_of(file.get(), path));
  STRATA_TRY(lock(file.get(), read_only, path));
  return std::make_unique<RawFile>(std::move(file), path, size, read_only, executor);
}

RawFile::RawFile(UniqueFd file, std::string name, uint64_t size, bool read_only, iface::Executor& executor)
    : file_(std::move(file)),
      name_(std::move(name)),
      size_(size),
      read_only_(read_only),
      executor_(executor),
      workers_(most_threads) {}

RawFile::~RawFile() = default;

void RawFile::submit(Result<void> allowed, Done done, Work work) {
  if (!allowed) {
    executor_.post([done = std::move(done), allowed = std::move(allowed)] { done(allowed); });
    return;
  }
  workers_.submit([this, done = std::move(done), work = std::move(work)]() mutable {
    Result<void> result = with_context(work(), "disk {}", name_);
    // Once: a guest that tries again and again shall not fill the log.
    if (!result)
      log::message(has_warned_.exchange(true) ? log::Level::debug : log::Level::warn, "{}", result.error().message);
    executor_.post([done = std::move(done), result = std::move(result)] { done(result); });
  });
}

Result<void> RawFile::check_write(uint64_t offset, uint64_t length) const {
  if (read_only_) return fail(ErrorCode::permission_denied, "disk {} is read-only", name_);
  return check_range(size_, offset, length);
}

void RawFile::read(uint64_t offset, std::span<const Segment> into, Done done) {
  submit(check_range(size_, offset, total_size(into)), std::move(done),
         [this, offset, vectors = vectors_of(into)] { return transfer(false, offset, vectors); });
}

void RawFile::write(uint64_t offset, std::span<const Segment> from, Done done) {
  submit(check_write(offset, total_size(from)), std::move(done),
         [this, offset, vectors = vectors_of(from)] { return transfer(true, offset, vectors); });
}

void RawFile::flush(Done done) {
  submit({}, std::move(done), [this]() -> Result<void> {
    if (!read_only_ && fdatasync(file_.get()) != 0) return fail_errno("flushing");
    return {};
  });
}

void RawFile::discard(uint64_t offset, uint64_t length, Done done) {
  submit(check_write(offset, length), std::move(done), [this, offset, length]() -> Result<void> {
    if (length == 0) return {};
    if (fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(length)) == 0) {
      return {};
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS) return {};  // a discard is a hint
    return fail_errno("discarding {} bytes at {}", length, offset);
  });
}

void RawFile::write_zeroes(uint64_t offset, uint64_t length, Done done) {
  submit(check_write(offset, length), std::move(done), [this, offset, length]() -> Result<void> {
    if (length == 0) return {};
    // A hole is cheaper than zeroes and reads the same; where there is neither, zeroes are written.
    for (const int mode : {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE}) {
      if (fallocate(file_.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0) return {};
    }
    return fill_with_zeroes(offset, length);
  });
}

Result<void> RawFile::transfer(bool writing, uint64_t offset, std::vector<iovec> vectors) const {
  size_t first = 0;
  while (first < vectors.size()) {
    const int count = static_cast<int>(std::min<size_t>(vectors.size() - first, IOV_MAX));
    const auto at = static_cast<off_t>(offset);
    ssize_t moved =
        writing ? pwritev(file_.get(), &vectors[first], count, at) : preadv(file_.get(), &vectors[first], count, at);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return fail_errno("{} at {}", writing ? "writing" : "reading", offset);
    if (moved == 0) return fail(ErrorCode::io, "the file ends at {}, before the disk's {} bytes", offset, size_);
    offset += static_cast<uint64_t>(moved);
    for (auto left = static_cast<size_t>(moved); left > 0;) {
      iovec& vector = vectors[first];
      const size_t part = std::min(left, vector.iov_len);
      vector.iov_base = static_cast<std::byte*>(vector.iov_base) + part;
      vector.iov_len -= part;
      left -= part;
      if (vector.iov_len == 0) ++first;
    }
  }
  return {};
}

Result<void> RawFile::fill_with_zeroes(uint64_t offset, uint64_t length) const {
  static std::array<std::byte, 65536> zeroes;  // only read
  while (length > 0) {
    const size_t part = std::min<uint64_t>(length, zeroes.size());
    STRATA_TRY(transfer(true, offset, {{zeroes.data(), part}}));
    offset += part;
    length -= part;
  }
  return {};
}

}  // namespace strata::storage

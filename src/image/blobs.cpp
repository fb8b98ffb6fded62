// Blobs: written to a hidden file under lock, verified, brought to the disk, named.
#include "image/blobs.h"

#include "image/copy_blob.h"
#include "image/staging.h"
#include "image/store_lock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

Result<void> lock_file(int file, int flags, const fs::path& path) {
  while (::flock(file, flags) != 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorCode::busy, "somebody else is writing {}", path.string());
    if (errno != EINTR) return fail_errno("locking {}", path.string());
  }
  return {};
}

// In the order that makes a name mean whole content after a crash.
Result<void> name_blob(int file, const fs::path& from, const fs::path& to) {
  if (::fsync(file) != 0 || ::rename(from.c_str(), to.c_str()) != 0) return fail_errno("storing {}", to.string());
  ::fchmod(file, 0444);  // not before: another writer may be opening the hidden file just now
  return sync_to_disk(to.parent_path());
}

}  // namespace

BlobWriter::BlobWriter(const BlobStore& store, const Digest& digest, std::uint64_t size, UniqueFd file)
    : partial_(store.partial_path(digest)),
      target_(store.path(digest)),
      digest_(digest),
      size_(size),
      file_(std::move(file)) {}

// Hashes what an earlier try left.
Result<void> BlobWriter::take_up() {
  struct stat status = {};
  if (::fstat(file_.get(), &status) != 0) return fail_errno("reading {}", partial_.string());
  if (static_cast<std::uint64_t>(status.st_size) > size_) return restart();
  std::array<std::byte, 1 << 16> buffer;
  while (true) {
    const ssize_t count = ::read(file_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading {}", partial_.string());
    if (count == 0) return {};
    hasher_.add(std::span(buffer).first(static_cast<std::size_t>(count)));
    offset_ += static_cast<std::uint64_t>(count);
  }
}

Result<void> BlobWriter::write(std::span<const std::byte> content) {
  if (content.size() > size_ - offset_)
    return fail(ErrorCode::bad_data, "{} has more than the {} bytes that were announced", digest_.text(), size_);
  // The file's length is what a later try trusts, so what a failing write left of this piece goes.
  if (auto written = write_fully(file_.get(), content); !written) {
    if (::ftruncate(file_.get(), static_cast<off_t>(offset_)) == 0)
      ::lseek(file_.get(), static_cast<off_t>(offset_), SEEK_SET);
    return written;
  }
  hasher_.add(content);
  offset_ += content.size();
  return {};
}

Result<void> BlobWriter::restart() {
  if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0)
    return fail_errno("writing {}", partial_.string());
  hasher_ = Hasher();
  offset_ = 0;
  return {};
}

Result<void> BlobWriter::commit() {
  if (offset_ != size_)
    return fail(ErrorCode::bad_data, "{} ended after {} of {} bytes", digest_.text(), offset_, size_);
  if (const Digest found = hasher_.finish(); found != digest_) {
    ::unlink(partial_.c_str());
    file_.reset();
    return fail(ErrorCode::bad_data, "the content of {} is not what its digest says: it has {}", digest_.text(),
                found.text());
  }
  STRATA_TRY(name_blob(file_.get(), partial_, target_));
  file_.reset();
  return {};
}

Result<NewBlob> BlobStore::begin_new() const {
  std::string path = (directory_ / ".new-XXXXXX").string();
  UniqueFd file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file) return fail_errno("making {}", path);
  return NewBlob(path, std::move(file));
}

NewBlob::~NewBlob() {
  if (file_) ::unlink(path_.c_str());
}

Result<void> NewBlob::write(std::span<const std::byte> content) {
  STRATA_TRY(write_fully(file_.get(), content));
  hasher_.add(content);
  size_ += content.size();
  return {};
}

Result<Digest> NewBlob::commit() {
  const Digest digest = hasher_.finish();
  STRATA_TRY(name_blob(file_.get(), path_, path_.parent_path() / digest.hex()));
  file_.reset();
  return digest;
}

Result<BlobStore> BlobStore::open() {
  UniqueFd lock = STRATA_TRY(share_store());
  const fs::path directory = STRATA_TRY(store_root()) / "blobs" / "sha256";
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    errno = error.value();
    return fail_errno("making {}", directory.string());
  }
  return BlobStore(directory, std::move(lock));
}

bool BlobStore::has(const Digest& digest) const { return ::access(path(digest).c_str(), F_OK) == 0; }

Result<std::string> BlobStore::read_small(const Digest& digest, std::uint64_t limit) const {
  return read_verified(path(digest), digest, limit);
}

Result<std::string> read_verified(const fs::path& path, const Digest& digest, std::uint64_t limit) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return fail(ErrorCode::not_found, "the store has no {}", digest.text());
  struct stat status = {};
  if (!file || ::fstat(file.get(), &status) != 0) return fail_errno("reading {}", digest.text());
  if (static_cast<std::uint64_t>(status.st_size) > limit)
    return fail(ErrorCode::bad_data, "{} has {} bytes, {} are allowed here", digest.text(), status.st_size, limit);
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + have, text.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading {}", digest.text());
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  if (have != text.size() || Digest::of(text) != digest)
    return fail(ErrorCode::bad_data, "{} is damaged: remove it, and pull or import the image again", path.string());
  return text;
}

Result<std::optional<BlobWriter>> BlobStore::begin(const Digest& digest, std::uint64_t size) const {
  return begin_locked(digest, size, LOCK_EX);
}

Result<std::optional<BlobWriter>> BlobStore::try_begin(const Digest& digest, std::uint64_t size) const {
  return begin_locked(digest, size, LOCK_EX | LOCK_NB);
}

Result<std::optional<BlobWriter>> BlobStore::begin_locked(const Digest& digest, std::uint64_t size,
                                                          int lock_flags) const {
  const fs::path partial = partial_path(digest);
  while (!has(digest)) {
    UniqueFd file(::open(partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return fail_errno("making {}", partial.string());
    STRATA_TRY(lock_file(file.get(), lock_flags, partial));
    // The one who had the lock has named the file, or dropped it: then this is no longer what the name stands for.
    struct stat held = {};
    struct stat named = {};
    if (::fstat(file.get(), &held) != 0 || ::stat(partial.c_str(), &named) != 0 || held.st_ino != named.st_ino)
      continue;
    BlobWriter writer(*this, digest, size, std::move(file));
    STRATA_TRY(writer.take_up());
    return writer;
  }
  return std::nullopt;
}

Result<Digest> BlobStore::put(std::string_view content) const {
  const Digest digest = Digest::of(content);
  if (auto writer = STRATA_TRY(begin(digest, content.size()))) {
    STRATA_TRY(writer->restart());
    STRATA_TRY(writer->write(std::as_bytes(std::span(content))));
    STRATA_TRY(writer->commit());
  }
  return digest;
}

}  // namespace strata::image

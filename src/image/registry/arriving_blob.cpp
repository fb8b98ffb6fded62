// Blobs that are read while they arrive: both sides use the partial file, so nothing is held in memory.
#include "image/registry/arriving_blob.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace strata::image {

Result<std::unique_ptr<ArrivingBlob>> ArrivingBlob::make(const BlobStore& store, const Digest& digest,
                                                         std::optional<BlobWriter> writer) {
  auto blob = std::make_unique<ArrivingBlob>();
  blob->writer_ = std::move(writer);
  blob->file_.reset(blob->writer_ ? ::fcntl(blob->writer_->file(), F_DUPFD_CLOEXEC, 0)
                                  : ::open(store.path(digest).c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!blob->file_ || ::fstat(blob->file_.get(), &status) != 0) return fail_errno("reading {}", digest.text());
  blob->arrived_ = blob->writer_ ? blob->writer_->offset() : static_cast<std::uint64_t>(status.st_size);
  if (!blob->writer_) blob->state_ = State::verified;
  return blob;
}

Result<void> ArrivingBlob::write(std::string_view bytes) {
  STRATA_TRY(writer_->write(std::as_bytes(std::span(bytes))));
  const std::scoped_lock lock(mutex_);
  arrived_ = writer_->offset();
  changed_.notify_one();
  return {};
}

Result<void> ArrivingBlob::restart() {
  // The reader waits until what it has had already is there again; the digest holds for both times.
  const std::scoped_lock lock(mutex_);
  arrived_ = 0;
  return writer_->restart();
}

Result<void> ArrivingBlob::commit() {
  STRATA_TRY(writer_->commit());
  become(State::verified);
  return {};
}

void ArrivingBlob::give_up() { become(State::given_up); }

void ArrivingBlob::become(State state) {
  const std::scoped_lock lock(mutex_);
  state_ = state;
  changed_.notify_one();
}

Result<std::size_t> ArrivingBlob::read(std::span<std::byte> buffer, std::uint64_t position) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return state_ != State::arriving || position < arrived_; });
  if (state_ == State::given_up) return fail(ErrorCode::cancelled, "the download has failed");
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), arrived_ - position));
  const ssize_t got = ::pread(file_.get(), buffer.data(), size, static_cast<off_t>(position));
  if (got < 0) return fail_errno("reading a blob");
  return static_cast<std::size_t>(got);
}

class ArrivingBlob::Source : public ByteSource {
 public:
  Source(ArrivingBlob& blob, std::atomic<std::uint64_t>& taken) : blob_(blob), taken_(taken) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t got = STRATA_TRY(blob_.read(into, position_));
    position_ += got;
    taken_ += got;
    return got;
  }

 private:
  ArrivingBlob& blob_;
  std::atomic<std::uint64_t>& taken_;
  std::uint64_t position_ = 0;
};

std::unique_ptr<ByteSource> ArrivingBlob::source(std::atomic<std::uint64_t>& taken) {
  return std::make_unique<Source>(*this, taken);
}

}  // namespace strata::image

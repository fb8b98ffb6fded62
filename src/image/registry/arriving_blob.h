// ArrivingBlob: a blob on its way from the registry to the store, which can be read while it arrives.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/blobs.h"
#include "image/byte_source.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace strata::image {

// One thread downloads, one other may read.
class ArrivingBlob {
 public:
  // Takes the writer, or, without one, the blob that the store has.
  [[nodiscard]] static Result<std::unique_ptr<ArrivingBlob>> make(const BlobStore& store, const Digest& digest,
                                                                  std::optional<BlobWriter> writer);

  [[nodiscard]] bool is_complete() const { return !writer_; }
  [[nodiscard]] std::uint64_t offset() const { return writer_->offset(); }
  [[nodiscard]] std::uint64_t size() const { return writer_->size(); }

  // As of BlobWriter. After a commit that succeeded the reader gets to the end.
  [[nodiscard]] Result<void> write(std::string_view bytes);
  [[nodiscard]] Result<void> restart();
  [[nodiscard]] Result<void> commit();
  // The reader gets an error.
  void give_up();

  // Reads from the beginning, and adds to `taken` what it got. Until the blob has been verified it waits for more.
  [[nodiscard]] std::unique_ptr<ByteSource> source(std::atomic<std::uint64_t>& taken);

 private:
  class Source;
  enum class State { arriving, verified, given_up };

  Result<std::size_t> read(std::span<std::byte> buffer, std::uint64_t position);
  void become(State state);

  std::optional<BlobWriter> writer_;
  UniqueFd file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t arrived_ = 0;  // of the file, as far as it can be read
  State state_ = State::arriving;
};

}  // namespace strata::image

// ArrivingBlob: a blob on its way from the registry to the store, which others can read while it arrives.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/blobs.h"
#include "image/byte_source.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

namespace strata::image {

// Tells a reader, who may be in another process, how far a blob is. Both read and write the store's file: what passes
// between them is one byte now and then, so the reader never holds up the download.
class ArrivalNews {
 public:
  // The sender, and the end to read from.
  [[nodiscard]] static Result<std::pair<ArrivalNews, UniqueFd>> make();
  ArrivalNews(ArrivalNews&&) noexcept = default;
  ArrivalNews& operator=(ArrivalNews&&) = delete;
  ~ArrivalNews() { end(); }

  void more() const;
  // The blob is in the store, verified; or, if it is not there, the download has failed.
  void end();

 private:
  explicit ArrivalNews(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
};

// Reads a blob from its beginning while it arrives. That the download failed is the error `cancelled`.
[[nodiscard]] std::unique_ptr<ByteSource> follow_blob(const BlobStore& store, const Digest& digest, UniqueFd news);

// What is being downloaded: the writer, with news of it.
class ArrivingBlob {
 public:
  // `news` may be null and outlives this.
  ArrivingBlob(BlobWriter writer, const ArrivalNews* news) : writer_(std::move(writer)), news_(news) {}

  [[nodiscard]] std::uint64_t offset() const { return writer_.offset(); }
  [[nodiscard]] std::uint64_t size() const { return writer_.size(); }

  // As of BlobWriter.
  [[nodiscard]] Result<void> write(std::string_view bytes);
  [[nodiscard]] Result<void> restart() { return writer_.restart(); }
  [[nodiscard]] Result<void> commit() { return writer_.commit(); }

 private:
  BlobWriter writer_;
  const ArrivalNews* news_;
};

}  // namespace strata::image

// LayerStream: decompresses and hashes on a thread of its own while the caller takes the pieces.
#pragma once

#include "base/result.h"
#include "image/decompress.h"
#include "image/digest.h"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace strata::image {

class LayerStream {
 public:
  [[nodiscard]] static Result<std::unique_ptr<LayerStream>> start(std::unique_ptr<ByteSource> source);
  LayerStream(const LayerStream&) = delete;
  LayerStream& operator=(const LayerStream&) = delete;
  ~LayerStream();

  // The next piece, valid until the next call; empty at the end.
  [[nodiscard]] Result<std::span<const std::byte>> next();
  // Of all that was there. For after the end.
  [[nodiscard]] const Digest& digest() const { return digest_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t piece_bytes = std::size_t{1} << 18;

  explicit LayerStream(std::unique_ptr<ByteSource> source);
  void run();
  bool produce();

  struct Piece {
    std::vector<std::byte> bytes;
    std::size_t size = 0;
  };

  std::unique_ptr<ByteSource> source_;
  std::array<Piece, 8> pieces_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t produced_ = 0;  // pieces that were filled, all told
  std::size_t consumed_ = 0;  // pieces that the caller is done with
  bool holding_ = false;      // the caller has one in hand
  bool ended_ = false;
  bool stopping_ = false;
  Result<void> outcome_;
  Digest digest_;
  std::uint64_t bytes_ = 0;
  Hasher hasher_;
  std::thread thread_;
};

}  // namespace strata::image

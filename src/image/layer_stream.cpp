// A ring of pieces between the thread that decompresses and the one that unpacks.
#include "image/layer_stream.h"

#include "base/thread.h"

namespace strata::image {

Result<std::unique_ptr<LayerStream>> LayerStream::start(std::unique_ptr<ByteSource> source) {
  std::unique_ptr<LayerStream> stream(new LayerStream(std::move(source)));
  stream->thread_ = STRATA_TRY(start_thread("layer", [raw = stream.get()] { raw->run(); }));
  return stream;
}

LayerStream::LayerStream(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

LayerStream::~LayerStream() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LayerStream::run() {
  while (produce()) {
  }
}

bool LayerStream::produce() {
  Piece* piece = nullptr;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || produced_ - consumed_ < pieces_.size(); });
    if (stopping_) return false;
    piece = &pieces_[produced_ % pieces_.size()];
  }
  piece->bytes.resize(piece_bytes);
  const Result<std::size_t> count = source_->read(piece->bytes);
  if (count) {
    piece->size = *count;
    hasher_.add(std::span(piece->bytes).first(*count));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!count) outcome_ = tl::unexpected(count.error());
    if (!count || *count == 0) {
      ended_ = true;
      digest_ = hasher_.finish();
    } else {
      bytes_ += *count;
      ++produced_;
    }
  }
  changed_.notify_all();
  return count && *count != 0;
}

Result<std::span<const std::byte>> LayerStream::next() {
  std::unique_lock lock(mutex_);
  if (holding_) {
    ++consumed_;
    holding_ = false;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return ended_ || produced_ > consumed_; });
  if (produced_ > consumed_) {
    holding_ = true;
    const Piece& piece = pieces_[consumed_ % pieces_.size()];
    return std::span<const std::byte>(piece.bytes).first(piece.size);
  }
  STRATA_TRY(outcome_);
  return std::span<const std::byte>();
}

}  // namespace strata::image

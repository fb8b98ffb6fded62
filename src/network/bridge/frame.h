// Frame: an Ethernet frame in a counted buffer that is shared, never copied, and whose outer tag is changed beside it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "iface/offload.h"
#include "network/bridge/mac_address.h"
#include "network/bridge/vlan.h"

namespace strata::network::bridge {

/// Destination, source, EtherType or length.
constexpr std::size_t ethernet_header_size = 14;
/// A TCP segment of 64 KiB with its headers and a tag; more is refused.
constexpr std::size_t max_frame_size = 65'560;

/// What a frame leaves to the one who takes it.
using iface::Offload;

class FramePool;

/// A handle. Buffers are counted without atomics: a pool and all its frames belong to one thread.
///
/// The stored octets are those that came in. `strip_tag` and `push_tag` only note what is to change, in the handle, so
/// that frames which share a buffer leave under different tags. What leaves is head() followed by body(): two pieces for
/// writev(), or one after flatten().
class Frame {
 public:
  Frame() = default;
  Frame(Frame&& other) noexcept
      : buffer_(std::exchange(other.buffer_, nullptr)), pushed_(other.pushed_), strip_(other.strip_) {}
  Frame& operator=(Frame&& other) noexcept {
    std::swap(buffer_, other.buffer_);
    pushed_ = other.pushed_;
    strip_ = other.strip_;
    return *this;
  }
  ~Frame() {
    if (buffer_ != nullptr) release();
  }
  explicit operator bool() const { return buffer_ != nullptr; }
  /// Another handle to the same octets.
  Frame share() const;
  /// Whether this is the only handle.
  bool unique() const { return buffer_->references == 1; }

  /// What came in. Only the one who fills a frame may write, before it is handed on.
  std::span<const std::byte> stored() const { return {data(), buffer_->size}; }
  std::span<std::byte> fill() { return {data(), buffer_->size}; }
  /// Up to what the pool was asked for.
  void resize(std::size_t size) {
    STRATA_ASSERT(size <= buffer_->capacity);
    buffer_->size = static_cast<std::uint32_t>(size);
  }
  void set_offload(const Offload& offload) { buffer_->offload = offload; }

  /// Takes away the tag that stands after the addresses; the frame has at least 18 octets.
  void strip_tag() { strip_ = Tag::size; }
  void push_tag(Tag tag) { pushed_ = {static_cast<std::uint16_t>(tag.type), tag.control()}; }
  void unpush_tag() { pushed_ = {}; }
  bool edited() const { return strip_ != 0 || pushed_.type != 0; }

  /// As it leaves.
  std::size_t size() const { return buffer_->size - strip_ + pushed_size(); }
  /// Offsets moved by the tags that were stripped and pushed.
  Offload offload() const;
  static constexpr std::size_t max_head = 2 * MacAddress::size + Tag::size;
  /// Addresses and pushed tag: 12 or 16 octets. The frame has at least 14.
  std::size_t head(std::span<std::byte, max_head> to) const;
  /// What follows the head.
  std::span<const std::byte> body() const { return stored().subspan(2 * MacAddress::size + strip_); }
  /// Copies all of it; `to` has size() octets.
  void copy_to(std::span<std::byte> to) const;
  /// Makes the stored octets what leaves: in place where nobody shares them, else in a copy. False where the pool has no
  /// room for the copy.
  bool flatten();

 private:
  friend class FramePool;

  struct Buffer {
    FramePool* pool;
    Buffer* next_free;
    std::uint32_t references;
    std::uint32_t begin;     // of the frame, counted from the end of this header
    std::uint32_t size;      // of the frame
    std::uint32_t capacity;  // from begin on
    std::uint32_t size_class;
    Offload offload;
  };
  struct Pushed {
    std::uint16_t type = 0;  // 0: none
    std::uint16_t control = 0;
  };

  explicit Frame(Buffer* buffer) : buffer_(buffer) {}
  std::byte* data() const { return reinterpret_cast<std::byte*>(buffer_ + 1) + buffer_->begin; }
  std::size_t pushed_size() const { return pushed_.type != 0 ? Tag::size : 0; }
  void release();

  Buffer* buffer_ = nullptr;
  Pushed pushed_;
  std::uint16_t strip_ = 0;
};

/// Buffers of three sizes, kept for the next frame; memory is taken in slabs and given back at the end. Outlives its
/// frames.
class FramePool {
 public:
  /// Takes up to `max_bytes` from the host.
  explicit FramePool(std::size_t max_bytes = 512U << 20);
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  /// The largest frame that can be held: larger than what a bridge takes, so that a port sees a giant for what it is.
  static constexpr std::size_t max_size = 72'000;

  /// A frame of `size` octets of no particular value; an empty handle if the pool is exhausted or `size` is beyond
  /// max_size.
  Frame make(std::size_t size);
  Frame copy(std::span<const std::byte> octets);
  std::size_t frames_in_use() const { return in_use_; }

 private:
  friend class Frame;
  struct SizeClass {
    std::size_t buffer_size;  // header, headroom and octets
    std::size_t per_slab;
    Frame::Buffer* free = nullptr;
  };

  bool add_slab(SizeClass& size_class, std::uint32_t index);
  void put_back(Frame::Buffer* buffer);

  std::array<SizeClass, 3> classes_;
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::size_t bytes_left_;
  std::size_t in_use_ = 0;
};

inline void Frame::release() {
  if (--buffer_->references == 0) buffer_->pool->put_back(buffer_);
}

inline Frame Frame::share() const {
  ++buffer_->references;
  Frame other(buffer_);
  other.pushed_ = pushed_;
  other.strip_ = strip_;
  return other;
}

inline void FramePool::put_back(Frame::Buffer* buffer) {
  auto& size_class = classes_[buffer->size_class];
  buffer->next_free = size_class.free;
  size_class.free = buffer;
  --in_use_;
}

}  // namespace strata::network::bridge

// Frames' less frequent operations, and the pool behind them.
#include "network/bridge/frame.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace strata::network::bridge {

namespace {

constexpr std::size_t addresses = 2 * MacAddress::size;
constexpr std::uint32_t headroom = 64;  // for tags pushed in place

}  // namespace

Offload Frame::offload() const {
  Offload moved = buffer_->offload;
  const auto by = static_cast<int>(pushed_size()) - strip_;
  if (moved.needs_checksum) moved.checksum_start = static_cast<std::uint16_t>(moved.checksum_start + by);
  if (moved.header_length != 0) moved.header_length = static_cast<std::uint16_t>(moved.header_length + by);
  return moved;
}

std::size_t Frame::head(std::span<std::byte, max_head> to) const {
  std::memcpy(to.data(), data(), addresses);
  if (pushed_.type == 0) return addresses;
  store_be<std::uint16_t>(to.data() + addresses, pushed_.type);
  store_be<std::uint16_t>(to.data() + addresses + 2, pushed_.control);
  return addresses + Tag::size;
}

void Frame::copy_to(std::span<std::byte> to) const {
  STRATA_ASSERT(to.size() == size());
  if (!edited()) {
    std::memcpy(to.data(), data(), to.size());
    return;
  }
  std::array<std::byte, max_head> first;
  const auto length = head(first);
  std::memcpy(to.data(), first.data(), length);
  const auto rest = body();
  if (!rest.empty()) std::memcpy(to.data() + length, rest.data(), rest.size());
}

bool Frame::flatten() {
  if (!edited()) return true;
  const auto new_size = size();
  const auto new_offload = offload();
  if (unique() && buffer_->begin + strip_ >= pushed_size()) {
    std::array<std::byte, max_head> first;
    const auto length = head(first);
    const auto moved = static_cast<std::uint32_t>(addresses + strip_ - length);  // wraps: a push moves the frame down
    buffer_->begin += moved;
    buffer_->capacity -= moved;
    std::memcpy(data(), first.data(), length);
    buffer_->size = static_cast<std::uint32_t>(new_size);
    buffer_->offload = new_offload;
    unpush_tag();
    strip_ = 0;
    return true;
  }
  Frame whole = buffer_->pool->make(new_size);
  if (!whole) return false;
  copy_to(whole.fill());
  whole.set_offload(new_offload);
  *this = std::move(whole);
  return true;
}

// Small ones hold an untagged frame of 1,500 octets of payload, middle ones one of 9,216.
FramePool::FramePool(std::size_t max_bytes)
    : classes_{SizeClass{2048, 128}, SizeClass{9728, 16}, SizeClass{73'728, 4}}, bytes_left_(max_bytes) {}

FramePool::~FramePool() { STRATA_ASSERT(in_use_ == 0, "a frame outlives its pool"); }

Frame FramePool::make(std::size_t size) {
  for (std::uint32_t i = 0; i < classes_.size(); ++i) {
    auto& size_class = classes_[i];
    const auto capacity = size_class.buffer_size - sizeof(Frame::Buffer) - headroom;
    if (size > capacity) continue;
    if (size_class.free == nullptr && !add_slab(size_class, i)) return {};
    Frame::Buffer* const buffer = size_class.free;
    size_class.free = buffer->next_free;
    buffer->references = 1;
    buffer->begin = headroom;
    buffer->size = static_cast<std::uint32_t>(size);
    buffer->capacity = static_cast<std::uint32_t>(capacity);
    buffer->offload = {};
    ++in_use_;
    return Frame(buffer);
  }
  return {};
}

Frame FramePool::copy(std::span<const std::byte> octets) {
  Frame frame = make(octets.size());
  if (frame && !octets.empty()) std::memcpy(frame.fill().data(), octets.data(), octets.size());
  return frame;
}

bool FramePool::add_slab(SizeClass& size_class, std::uint32_t index) {
  const auto bytes = size_class.buffer_size * size_class.per_slab;
  if (bytes > bytes_left_) return false;
  std::unique_ptr<std::byte[]> slab(new (std::nothrow) std::byte[bytes]);
  if (!slab) return false;
  bytes_left_ -= bytes;
  for (std::size_t i = size_class.per_slab; i-- > 0;) {
    auto* const buffer = new (slab.get() + i * size_class.buffer_size) Frame::Buffer{};
    buffer->pool = this;
    buffer->size_class = index;
    buffer->next_free = size_class.free;
    size_class.free = buffer;
  }
  slabs_.push_back(std::move(slab));
  return true;
}

}  // namespace strata::network::bridge

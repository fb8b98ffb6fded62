// Copies between a driver's scattered buffers and the device's memory.
#include "devices/virtio/core/chain.h"

#include <algorithm>
#include <cstring>

namespace strata::devices::virtio {
namespace {

/// Calls `copy(buffer, offset in it, position, size)` for each piece of [offset, offset + size) that the buffers have;
/// the number of bytes they have of it.
template <class Copy>
size_t for_each_piece(const std::vector<Buffer>& buffers, uint64_t offset, size_t size, Copy copy) {
  size_t position = 0;
  for (const Buffer& buffer : buffers) {
    if (position == size) break;
    if (offset >= buffer.size) {
      offset -= buffer.size;
      continue;
    }
    const size_t piece = std::min<uint64_t>(buffer.size - offset, size - position);
    copy(buffer, offset, position, piece);
    position += piece;
    offset = 0;
  }
  return position;
}

}  // namespace

size_t Chain::read(uint64_t offset, std::span<std::byte> out) const {
  return for_each_piece(readable_, offset, out.size(),
                        [&](const Buffer& buffer, uint64_t from, size_t position, size_t size) {
                          std::memcpy(out.data() + position, buffer.data + from, size);
                        });
}

size_t Chain::write(uint64_t offset, std::span<const std::byte> in) const {
  return for_each_piece(writable_, offset, in.size(),
                        [&](const Buffer& buffer, uint64_t to, size_t position, size_t size) {
                          std::memcpy(buffer.data + to, in.data() + position, size);
                          memory_->wrote(buffer.address + to, size);
                        });
}

void Chain::clear(uint16_t head, memory::AddressSpace& memory) {
  memory_ = &memory;
  head_ = head;
  readable_.clear();
  writable_.clear();
  readable_size_ = writable_size_ = 0;
}

void Chain::add(const Buffer& buffer, bool writable) {
  (writable ? writable_ : readable_).push_back(buffer);
  (writable ? writable_size_ : readable_size_) += buffer.size;
}

}  // namespace strata::devices::virtio

// Chain: one request of a driver, the buffers of one descriptor chain, already checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bits.h"
#include "memory/address_space.h"

namespace strata::devices::virtio {

/// A driver's buffer. It is RAM in one piece, so that a device that is given its own registers as a buffer has
/// nothing to walk into. RAM outlives the devices.
struct Buffer {
  uint64_t address;
  std::byte* data;
  uint32_t size;
};

/// What the device reads, then what it writes (2.7.4.2), each seen as one run of bytes. The guest can change what is in
/// its buffers at any time: read a value once.
class Chain {
 public:
  uint16_t head() const { return head_; }
  uint64_t readable_size() const { return readable_size_; }
  uint64_t writable_size() const { return writable_size_; }

  /// Copies up to out.size() of the readable bytes from `offset` on; how many there were.
  size_t read(uint64_t offset, std::span<std::byte> out) const;
  /// Copies to the writable bytes from `offset` on; how many had room.
  size_t write(uint64_t offset, std::span<const std::byte> in) const;

  /// A little-endian number of the readable bytes; zero where it does not lie in them.
  template <class T>
  T read_le(uint64_t offset) const {
    std::byte bytes[sizeof(T)] = {};
    return read(offset, bytes) == sizeof(T) ? load_le<T>(bytes) : T{0};
  }

 private:
  friend class Queue;
  void clear(uint16_t head, memory::AddressSpace& memory);
  void add(const Buffer& buffer, bool writable);

  memory::AddressSpace* memory_ = nullptr;
  uint16_t head_ = 0;
  std::vector<Buffer> readable_;
  std::vector<Buffer> writable_;
  uint64_t readable_size_ = 0;
  uint64_t writable_size_ = 0;
};

}  // namespace strata::devices::virtio

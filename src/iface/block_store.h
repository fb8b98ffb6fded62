// A disk's contents, whoever keeps them: a file, a volume, an overlay.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.h"

namespace strata::iface {

/// Asynchronous. Offsets and lengths are in bytes, multiples of 512, inside size(): callers check, stores check again
/// and fail. Buffers must live until `done`, which is called once, with the device lock held, never from inside the
/// call. Requests may end in any order; a flush covers the writes that were done before it was asked for.
class BlockStore {
 public:
  using Done = std::function<void(Result<void>)>;
  struct Segment {
    std::byte* data;
    size_t size;
  };

  virtual ~BlockStore() = default;
  virtual uint64_t size() const = 0;  ///< bytes
  virtual bool read_only() const = 0;
  virtual void read(uint64_t offset, std::span<const Segment> into, Done done) = 0;
  virtual void write(uint64_t offset, std::span<const Segment> from, Done done) = 0;
  virtual void flush(Done done) = 0;
  virtual void discard(uint64_t offset, uint64_t length, Done done) = 0;  ///< contents become undefined or zero
  virtual void write_zeroes(uint64_t offset, uint64_t length, Done done) = 0;
};

}  // namespace strata::iface

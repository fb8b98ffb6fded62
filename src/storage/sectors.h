// Sectors, and the check of a request's place that every store makes.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "iface/block_store.h"

namespace strata::storage {

inline constexpr uint64_t sector_size = 512;

/// Whether [offset, offset + length) is whole sectors inside a store of `size` bytes.
inline Result<void> check_range(uint64_t size, uint64_t offset, uint64_t length) {
  if (offset % sector_size == 0 && length % sector_size == 0 && offset <= size && length <= size - offset) return {};
  return fail(ErrorCode::usage, "a request for {} bytes at {} of a disk of {} bytes", length, offset, size);
}

inline uint64_t total_size(std::span<const iface::BlockStore::Segment> segments) {
  uint64_t total = 0;
  for (const auto& segment : segments) total += segment.size;
  return total;
}

}  // namespace strata::storage

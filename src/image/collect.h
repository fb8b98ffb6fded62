// What in the store nobody refers to, and its removal.
#pragma once

#include "base/result.h"

#include <cstdint>

namespace strata::image {

struct Freed {
  unsigned blobs = 0;     // that no image has
  unsigned layers = 0;    // unpacked, that neither an image nor a container has
  unsigned partials = 0;  // downloads that were not finished
  std::uint64_t bytes = 0;
  bool store_was_in_use = false;  // then only what dead processes left has gone: `bytes` is of that
};

// Removes what images and containers do not need. Where a pull, build or start is under way, what it made may have no name
// yet; so nothing but dead processes' folders goes then.
[[nodiscard]] Result<Freed> collect_garbage();

}  // namespace strata::image

// A blob's content, decompressed: gzip, zstd, or as it is.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstddef>
#include <memory>
#include <span>

namespace strata::image {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills as much of `into` as there is; 0 at the end. Compressed data that is damaged or cut is an error (bad_data).
  [[nodiscard]] virtual Result<std::size_t> read(std::span<std::byte> into) = 0;
};

// What the file's first bytes say decides. Reads from the file's position on.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> decompress(UniqueFd file);

}  // namespace strata::image

// ByteSource: bytes as somebody else gets them, so that an archive can be unpacked while it is still being downloaded.
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
  // Fills the front of the buffer and gives the number of bytes, 0 at the end. May wait for bytes that are on their way.
  // Where bytes are verified, the end is only reported when all of them were: who gets an error has to drop what was made
  // of them so far.
  [[nodiscard]] virtual Result<std::size_t> read(std::span<std::byte> into) = 0;
};

// A file, from its position on.
[[nodiscard]] std::unique_ptr<ByteSource> file_source(UniqueFd file);

}  // namespace strata::image

// A blob's content, decompressed: gzip, zstd, or as it is.
#pragma once

#include "base/result.h"
#include "image/byte_source.h"

#include <memory>

namespace strata::image {

// What the first bytes say decides. Compressed data that is damaged or cut is an error (bad_data) of the read.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> decompress(std::unique_ptr<ByteSource> compressed);

}  // namespace strata::image

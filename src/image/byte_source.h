// ByteSource: bytes as somebody else gets them, so that an archive can be unpacked while it is still being downloaded.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <functional>
#include <span>

namespace strata::image {

// Fills the front of the buffer and gives the number of bytes, 0 at the end. May wait for bytes that are on their way. The
// end is only reported when all of it was verified: who gets an error has to drop what was made of the bytes so far.
using ByteSource = std::function<Result<std::size_t>(std::span<std::byte> buffer)>;

}  // namespace strata::image

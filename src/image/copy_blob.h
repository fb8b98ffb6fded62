// Blobs of files that others wrote: read to the end and held against their descriptors.
#pragma once

#include "base/result.h"
#include "image/oci_image.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

namespace strata::image {

using BytesFn = std::function<Result<void>(std::span<const std::byte>)>;

[[nodiscard]] Result<void> write_fully(int file, std::span<const std::byte> content);

// Gives all of the file to `sink`, then compares length and digest (bad_data).
[[nodiscard]] Result<void> read_blob(int file, const Descriptor& blob, int cancel_fd, const BytesFn& sink);
[[nodiscard]] Result<void> verify_blob(const std::filesystem::path& path, const Descriptor& blob, int cancel_fd);

}  // namespace strata::image

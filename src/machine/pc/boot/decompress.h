// Unpacks what kernels are packed with: gzip, xz, lzma, zstd, lz4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace strata::machine::pc::boot {

enum class Compression : uint8_t { gzip, xz, lzma, zstd, lz4 };

/// By the first bytes; nothing where it is none that is known here.
std::optional<Compression> compression_of(std::span<const std::byte> data);

/// Bytes behind the end of the stream are ignored. Fails when the stream is damaged, ends early, or gives more than
/// `limit` bytes.
Result<std::vector<std::byte>> decompress(Compression how, std::span<const std::byte> data, uint64_t limit);

}  // namespace strata::machine::pc::boot

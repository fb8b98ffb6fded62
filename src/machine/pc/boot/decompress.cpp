// Decompression by the libraries of each format, always with a limit on what comes out.
#include "machine/pc/boot/decompress.h"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/bits.h"

namespace strata::machine::pc::boot {
namespace {

using Bytes = std::vector<std::byte>;

/// Output that grows as a decoder fills it, up to a limit.
class Output {
 public:
  explicit Output(uint64_t limit) : limit_(limit) {}

  /// Room for more; nothing when the limit is reached.
  std::span<std::byte> room() {
    if (used_ == bytes_.size()) bytes_.resize(std::min<uint64_t>(limit_, std::max(2 * bytes_.size(), first_size)));
    return std::span(bytes_).subspan(used_);
  }
  void fill(size_t count) { used_ += count; }
  Bytes take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }
  auto too_long() const {
    return fail(ErrorCode::bad_data, "it unpacks to more than the {} MiB that there is room for", limit_ >> 20);
  }

 private:
  static constexpr size_t first_size = size_t{16} << 20;
  uint64_t limit_;
  Bytes bytes_;
  size_t used_ = 0;
};

auto damaged() { return fail(ErrorCode::bad_data, "the compressed data is damaged or cut off"); }

uint8_t* as_u8(std::byte* bytes) { return reinterpret_cast<uint8_t*>(bytes); }
const uint8_t* as_u8(const std::byte* bytes) { return reinterpret_cast<const uint8_t*>(bytes); }

Result<Bytes> gunzip(std::span<const std::byte> data, uint64_t limit) {
  constexpr int gzip_window = 15 + 16;
  z_stream stream = {};
  if (inflateInit2(&stream, gzip_window) != Z_OK) return fail(ErrorCode::no_space, "zlib: no memory");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> guard(&stream, &inflateEnd);
  stream.next_in = const_cast<Bytef*>(as_u8(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  Output out(limit);
  for (;;) {
    const auto room = out.room();
    if (room.empty()) return out.too_long();
    stream.next_out = as_u8(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.fill(room.size() - stream.avail_out);
    if (status == Z_STREAM_END) return out.take();
    if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) return damaged();
  }
}

/// xz and the older lzma format, by one library.
Result<Bytes> unlzma(std::span<const std::byte> data, uint64_t limit, bool xz) {
  constexpr uint64_t memory_limit = uint64_t{256} << 20;
  lzma_stream stream = LZMA_STREAM_INIT;
  const lzma_ret begun = xz ? lzma_stream_decoder(&stream, memory_limit, 0) : lzma_alone_decoder(&stream, memory_limit);
  if (begun != LZMA_OK) return fail(ErrorCode::no_space, "liblzma: no memory");
  const std::unique_ptr<lzma_stream, decltype(&lzma_end)> guard(&stream, &lzma_end);
  stream.next_in = as_u8(data.data());
  stream.avail_in = data.size();
  Output out(limit);
  for (;;) {
    const auto room = out.room();
    if (room.empty()) return out.too_long();
    stream.next_out = as_u8(room.data());
    stream.avail_out = room.size();
    const lzma_ret status = lzma_code(&stream, LZMA_RUN);
    out.fill(room.size() - stream.avail_out);
    if (status == LZMA_STREAM_END) return out.take();
    if (status != LZMA_OK || (stream.avail_in == 0 && stream.avail_out != 0)) return damaged();
  }
}

Result<Bytes> unzstd(std::span<const std::byte> data, uint64_t limit) {
  const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(), &ZSTD_freeDStream);
  if (!stream) return fail(ErrorCode::no_space, "zstd: no memory");
  ZSTD_inBuffer in = {data.data(), data.size(), 0};
  Output out(limit);
  for (;;) {
    const auto room = out.room();
    if (room.empty()) return out.too_long();
    ZSTD_outBuffer piece = {room.data(), room.size(), 0};
    const size_t status = ZSTD_decompressStream(stream.get(), &piece, &in);
    out.fill(piece.pos);
    if (ZSTD_isError(status) != 0) return damaged();
    if (status == 0) return out.take();
    if (in.pos == in.size && piece.pos < piece.size) return damaged();
  }
}

/// The legacy frame: a magic number, then blocks of up to 8 MiB with their packed length in front.
Result<Bytes> unlz4(std::span<const std::byte> data, uint64_t limit) {
  constexpr size_t block_limit = size_t{8} << 20;
  Output out(limit);
  Bytes block(block_limit);
  size_t at = 4;
  bool any = false;
  // Kernel images end with four more bytes, the unpacked length.
  while (data.size() - at > 4) {
    const auto packed = load_le<uint32_t>(data.data() + at);
    at += 4;
    if (packed > data.size() - at) return damaged();
    const int count =
        LZ4_decompress_safe(reinterpret_cast<const char*>(data.data() + at), reinterpret_cast<char*>(block.data()),
                            static_cast<int>(packed), static_cast<int>(block.size()));
    if (count < 0) return damaged();
    at += packed;
    any = true;
    for (std::span<const std::byte> rest = std::span(block).first(static_cast<size_t>(count)); !rest.empty();) {
      const auto room = out.room();
      if (room.empty()) return out.too_long();
      const size_t part = std::min(room.size(), rest.size());
      std::memcpy(room.data(), rest.data(), part);
      out.fill(part);
      rest = rest.subspan(part);
    }
  }
  if (!any) return damaged();
  return out.take();
}

}  // namespace

std::optional<Compression> compression_of(std::span<const std::byte> data) {
  const auto starts = [&](std::initializer_list<uint8_t> magic) {
    return data.size() > magic.size() && std::equal(magic.begin(), magic.end(), data.begin(),
                                                    [](uint8_t a, std::byte b) { return std::byte{a} == b; });
  };
  if (starts({0x1f, 0x8b})) return Compression::gzip;
  if (starts({0xfd, '7', 'z', 'X', 'Z', 0})) return Compression::xz;
  if (starts({0x28, 0xb5, 0x2f, 0xfd})) return Compression::zstd;
  if (starts({0x02, 0x21, 0x4c, 0x18})) return Compression::lz4;
  if (starts({0x5d, 0, 0})) return Compression::lzma;
  return std::nullopt;
}

Result<std::vector<std::byte>> decompress(Compression how, std::span<const std::byte> data, uint64_t limit) {
  switch (how) {
    case Compression::gzip: return gunzip(data, limit);
    case Compression::xz: return unlzma(data, limit, true);
    case Compression::lzma: return unlzma(data, limit, false);
    case Compression::zstd: return unzstd(data, limit);
    case Compression::lz4: return unlz4(data, limit);
  }
  return damaged();
}

}  // namespace strata::machine::pc::boot

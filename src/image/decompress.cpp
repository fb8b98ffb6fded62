// Decompression by ISA-L (gzip; twice as fast as zlib) and libzstd.
#include "image/decompress.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace strata::image {
namespace {

constexpr std::size_t input_bytes = std::size_t{1} << 18;

class FileSource final : public ByteSource {
 public:
  explicit FileSource(UniqueFd file) : file_(std::move(file)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    std::size_t have = 0;
    while (have < into.size()) {
      const ssize_t count = ::read(file_.get(), into.data() + have, into.size() - have);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("reading a layer");
      if (count == 0) break;
      have += static_cast<std::size_t>(count);
    }
    return have;
  }

 private:
  UniqueFd file_;
};

// The first bytes of another source, which have been looked at, and then that source itself.
class PeekedSource final : public ByteSource {
 public:
  explicit PeekedSource(std::unique_ptr<ByteSource> rest) : rest_(std::move(rest)) {}

  // Fewer than asked for where there are no more.
  Result<std::span<const std::byte>> peek() {
    while (size_ < start_.size()) {
      const std::size_t count = STRATA_TRY(rest_->read(std::span(start_).subspan(size_)));
      if (count == 0) break;
      size_ += count;
    }
    return std::span<const std::byte>(start_).first(size_);
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (given_ == size_) return rest_->read(into);
    const std::size_t count = std::min(into.size(), size_ - given_);
    std::memcpy(into.data(), start_.data() + given_, count);
    given_ += count;
    return count;
  }

 private:
  std::unique_ptr<ByteSource> rest_;
  std::array<std::byte, 4> start_{};
  std::size_t size_ = 0;
  std::size_t given_ = 0;
};

std::uint8_t* octets(std::byte* bytes) { return reinterpret_cast<std::uint8_t*>(bytes); }

// RFC 1952: one or more members, one after the other.
class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<ByteSource> compressed)
      : compressed_(std::move(compressed)), input_(input_bytes) {
    begin_member();
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    state_.next_out = octets(into.data());
    state_.avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(into.size(), UINT32_MAX));
    const std::uint32_t wanted = state_.avail_out;
    while (state_.avail_out > 0) {
      if (state_.avail_in == 0 && !ended_) STRATA_TRY(refill());
      if (state_.block_state == ISAL_BLOCK_FINISH) {
        if (state_.avail_in == 0) break;  // the end of the last member
        begin_member();
      }
      const std::uint32_t in_before = state_.avail_in;
      const std::uint32_t out_before = state_.avail_out;
      if (const int error = ::isal_inflate(&state_); error < 0)
        return fail(ErrorCode::bad_data, "the gzip data is damaged (code {})", error);
      const bool moved = state_.avail_in != in_before || state_.avail_out != out_before;
      if (!moved && ended_ && state_.block_state != ISAL_BLOCK_FINISH)
        return fail(ErrorCode::bad_data, "the gzip data ends in the middle");
    }
    return wanted - state_.avail_out;
  }

 private:
  // What was read ahead stays in place.
  void begin_member() {
    const auto in = state_.next_in;
    const auto available = state_.avail_in;
    const auto out = state_.next_out;
    const auto room = state_.avail_out;
    ::isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
    state_.next_in = in;
    state_.avail_in = available;
    state_.next_out = out;
    state_.avail_out = room;
  }

  Result<void> refill() {
    const std::size_t count = STRATA_TRY(compressed_->read(input_));
    state_.next_in = octets(input_.data());
    state_.avail_in = static_cast<std::uint32_t>(count);
    ended_ = count == 0;
    return {};
  }

  std::unique_ptr<ByteSource> compressed_;
  std::vector<std::byte> input_;
  inflate_state state_{};
  bool ended_ = false;
};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> compressed)
      : compressed_(std::move(compressed)), input_(input_bytes), stream_(::ZSTD_createDStream()) {
    // A hostile frame may ask for a window of 2 GiB; 128 MiB is what `zstd --ultra -22` makes.
    ::ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, 27);
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size) {
      if (in_.pos == in_.size && !ended_) STRATA_TRY(refill());
      const std::size_t before = out.pos;
      const std::size_t in_before = in_.pos;
      const std::size_t hint = ::ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (::ZSTD_isError(hint) != 0)
        return fail(ErrorCode::bad_data, "the zstd data is damaged: {}", ::ZSTD_getErrorName(hint));
      if (hint == 0) in_frame_ = false;
      else if (in_.pos != in_before) in_frame_ = true;
      if (out.pos == before && in_.pos == in_.size && ended_) {
        if (in_frame_) return fail(ErrorCode::bad_data, "the zstd data ends in the middle");
        break;
      }
    }
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ::ZSTD_freeDStream(stream); }
  };

  Result<void> refill() {
    in_ = {input_.data(), STRATA_TRY(compressed_->read(input_)), 0};
    ended_ = in_.size == 0;
    return {};
  }

  std::unique_ptr<ByteSource> compressed_;
  std::vector<std::byte> input_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool ended_ = false;
  bool in_frame_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> file_source(UniqueFd file) { return std::make_unique<FileSource>(std::move(file)); }

Result<std::unique_ptr<ByteSource>> decompress(std::unique_ptr<ByteSource> compressed) {
  constexpr std::array gzip{std::byte{0x1f}, std::byte{0x8b}};
  constexpr std::array zstd{std::byte{0x28}, std::byte{0xb5}, std::byte{0x2f}, std::byte{0xfd}};
  auto peeked = std::make_unique<PeekedSource>(std::move(compressed));
  const std::span<const std::byte> start = STRATA_TRY(peeked->peek());
  const auto starts_with = [&](auto& magic) {
    return start.size() >= magic.size() && std::equal(magic.begin(), magic.end(), start.begin());
  };
  if (starts_with(gzip)) return std::make_unique<GzipSource>(std::move(peeked));
  if (starts_with(zstd)) return std::make_unique<ZstdSource>(std::move(peeked));
  return peeked;
}

}  // namespace strata::image

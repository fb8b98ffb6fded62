// Saved state: sections with a name, a version and a length.
#include "devices/saved_state.h"

#include <algorithm>

#include "base/assert.h"
#include "base/bits.h"

namespace strata::devices {

void Writer::put_number(uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) blob_.push_back(static_cast<std::byte>(value >> (8 * i)));
}

void Writer::enter(std::string_view name, uint32_t version) {
  STRATA_ASSERT(name.size() < 256);
  put(static_cast<uint8_t>(name.size()));
  put_bytes(std::as_bytes(std::span(name)));
  put(version, uint64_t{0});  // the length is filled in when the section is left
  open_.push_back(blob_.size());
}

void Writer::leave() {
  STRATA_ASSERT(!open_.empty());
  const size_t begin = open_.back();
  open_.pop_back();
  store_le<uint64_t>(blob_.data() + begin - sizeof(uint64_t), blob_.size() - begin);
}

std::vector<std::byte> Writer::take() {
  STRATA_ASSERT(open_.empty());
  return std::move(blob_);
}

Result<uint32_t> Reader::enter(std::string_view name, uint32_t newest) {
  std::string found(get<uint8_t>(), '\0');
  get_bytes(std::as_writable_bytes(std::span(found)));
  const auto version = get<uint32_t>();
  const auto length = get<uint64_t>();
  if (!good() || length > left()) return fail(ErrorCode::bad_data, "saved state ends early, before '{}'", name);
  if (found != name) {
    for (char& c : found) c = c < ' ' || c > '~' ? '?' : c;
    return fail(ErrorCode::bad_data, "saved state has '{}' where '{}' should be", found, name);
  }
  if (version == 0 || version > newest) {
    return fail(ErrorCode::unsupported, "saved state of '{}' has version {}, this Strata knows up to {}", name, version,
                newest);
  }
  open_.push_back({std::move(found), position_ + static_cast<size_t>(length)});
  return version;
}

Result<void> Reader::leave() {
  STRATA_ASSERT(!open_.empty());
  const Section section = std::move(open_.back());
  open_.pop_back();
  if (!good()) return fail(ErrorCode::bad_data, "saved state of '{}' is damaged: {}", section.name, problem_);
  if (position_ != section.end) {
    return fail(ErrorCode::bad_data, "saved state of '{}' is damaged: {} bytes too many", section.name,
                section.end - position_);
  }
  return {};
}

void Reader::get_bytes(std::span<std::byte> out) {
  if (good() && out.size() > left()) reject("it ends early");
  if (!good()) {
    std::ranges::fill(out, std::byte{0});
    return;
  }
  std::ranges::copy(blob_.subspan(position_, out.size()), out.begin());
  position_ += out.size();
}

std::span<const std::byte> Reader::get_block(uint64_t longest) {
  const auto size = get<uint64_t>();
  if (good() && size > longest) reject(fmt::format("{} bytes where at most {} can be", size, longest));
  if (good() && size > left()) reject("it ends early");
  if (!good()) return {};
  const auto block = blob_.subspan(position_, static_cast<size_t>(size));
  position_ += block.size();
  return block;
}

void Reader::reject(std::string_view what) {
  if (problem_.empty()) problem_ = what;
}

uint64_t Reader::get_number(size_t size) {
  std::array<std::byte, 8> bytes = {};
  get_bytes(std::span(bytes).first(size));
  return load_le<uint64_t>(bytes.data());
}

}  // namespace strata::devices

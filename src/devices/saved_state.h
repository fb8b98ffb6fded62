// How devices put their state away and take it back: little-endian values in named, versioned sections.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace strata::devices {

namespace detail {
template <class T>
concept SavedScalar = std::integral<T> || std::is_enum_v<T>;
}

/// Appends state to a blob. A section is: length of the name (1 byte), name, version (4), length of the contents (8),
/// contents. Sections may hold sections.
///
///     void Pit::save(Writer& out) const {
///       out.enter("pit", 1);
///       out.put(gate_, output_, counters_);
///       out.leave();
///     }
class Writer {
 public:
  void enter(std::string_view name, uint32_t version);
  void leave();

  template <class... Ts>
  void put(const Ts&... values) {
    (put_one(values), ...);
  }
  void put_bytes(std::span<const std::byte> bytes) { blob_.insert(blob_.end(), bytes.begin(), bytes.end()); }
  /// With their number in front.
  void put_block(std::span<const std::byte> bytes) {
    put(uint64_t{bytes.size()});
    put_bytes(bytes);
  }

  /// The blob; every section left.
  std::vector<std::byte> take();

 private:
  template <detail::SavedScalar T>
  void put_one(T value) {
    if constexpr (std::is_enum_v<T>) {
      put_number(static_cast<uint64_t>(static_cast<std::underlying_type_t<T>>(value)), sizeof(T));
    } else {
      put_number(static_cast<uint64_t>(value), sizeof(T));
    }
  }
  template <class T, size_t N>
  void put_one(const std::array<T, N>& values) {
    for (const T& value : values) put_one(value);
  }
  void put_number(uint64_t value, size_t size);

  std::vector<std::byte> blob_;
  std::vector<size_t> open_;  ///< where the open sections' contents begin
};

/// Reads what a Writer wrote. Trusts nothing: the first thing that does not fit is remembered, everything read after it
/// is zero, and leave() reports it. A device checks the values for sense between get and leave.
///
///     Result<void> Pit::restore(Reader& in) {
///       STRATA_TRY(in.enter("pit", 1));
///       in.get(gate_, output_, counters_);
///       return in.leave();
///     }
class Reader {
 public:
  explicit Reader(std::span<const std::byte> blob) : blob_(blob) {}

  /// The section's version, 1 to `newest`. Fails when another section comes, its version is not known, or data ends.
  Result<uint32_t> enter(std::string_view name, uint32_t newest);
  /// Fails when anything since enter() did not fit, or contents are left over.
  Result<void> leave();

  template <class... Ts>
  void get(Ts&... values) {
    (get_one(values), ...);
  }
  template <class T>
  T get() {
    T value{};
    get_one(value);
    return value;
  }
  void get_bytes(std::span<std::byte> out);
  /// What put_block wrote, in place; empty where it is longer than `longest` or than the data.
  std::span<const std::byte> get_block(uint64_t longest);

  /// A device found a value that cannot be: `what` says so in words.
  void reject(std::string_view what);
  bool good() const { return problem_.empty(); }
  /// Whether nothing is left.
  bool at_end() const { return position_ == blob_.size(); }

 private:
  struct Section {
    std::string name;
    size_t end;
  };
  template <detail::SavedScalar T>
  void get_one(T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(static_cast<std::underlying_type_t<T>>(get_number(sizeof(T))));
    } else if constexpr (std::is_same_v<T, bool>) {
      const uint64_t number = get_number(1);
      if (number > 1) reject("a flag that is neither 0 nor 1");
      value = number == 1;
    } else {
      value = static_cast<T>(get_number(sizeof(T)));
    }
  }
  template <class T, size_t N>
  void get_one(std::array<T, N>& values) {
    for (T& value : values) get_one(value);
  }
  uint64_t get_number(size_t size);
  /// Bytes left in the innermost section.
  size_t left() const { return (open_.empty() ? blob_.size() : open_.back().end) - position_; }

  std::span<const std::byte> blob_;
  size_t position_ = 0;
  std::vector<Section> open_;
  std::string problem_;
};

}  // namespace strata::devices

// Bytes: a fuzz input as a source of numbers; zeroes when it has ended.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace strata::fuzz {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  bool empty() const { return left_.empty(); }
  std::size_t size() const { return left_.size(); }

  template <class T>
  T number() {
    T value = 0;
    const auto bytes = take(sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  /// Up to `most` of what is left.
  std::span<const std::byte> take(std::size_t most) {
    const auto bytes = left_.first(std::min(most, left_.size()));
    left_ = left_.subspan(bytes.size());
    return std::as_bytes(bytes);
  }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace strata::fuzz

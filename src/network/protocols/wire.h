// Reading and writing the big-endian bytes of protocol messages.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bits.h"

namespace strata::network::protocols {

using Bytes = std::span<const std::byte>;

/// Reads on from the start. What lies beyond the end reads as zero and makes `failed()` true, so that a message is
/// checked once, after it was read.
class WireReader {
 public:
  explicit WireReader(Bytes bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T take() {
    const Bytes bytes = take_bytes(sizeof(T));
    return bytes.empty() ? T{0} : load_be<T>(bytes.data());
  }
  /// Nothing, and failed, where fewer are left.
  Bytes take_bytes(size_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const Bytes bytes = rest_.first(count);
    rest_ = rest_.subspan(count);
    return bytes;
  }
  template <size_t Size>
  std::array<uint8_t, Size> take_array() {
    std::array<uint8_t, Size> array{};
    for (uint8_t& byte : array) byte = take<uint8_t>();
    return array;
  }

  Bytes rest() const { return rest_; }
  bool failed() const { return failed_; }

 private:
  Bytes rest_;
  bool failed_ = false;
};

class WireWriter {
 public:
  template <std::unsigned_integral T>
  void put(std::type_identity_t<T> value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    store_be<T>(bytes_.data() + bytes_.size() - sizeof(T), value);
  }
  void put_bytes(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  template <size_t Size>
  void put_array(const std::array<uint8_t, Size>& array) {
    put_bytes(std::as_bytes(std::span(array)));
  }
  /// Zeros up to `size` bytes in all.
  void pad_to(size_t size) {
    if (bytes_.size() < size) bytes_.resize(size);
  }

  size_t size() const { return bytes_.size(); }
  std::vector<std::byte> finish() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace strata::network::protocols

// MacAddress: a 48-bit address as a number (IEEE 802-2014, clause 8).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bits.h"
#include "base/result.h"

namespace strata::network::bridge {

class MacAddress {
 public:
  static constexpr std::size_t size = 6;

  constexpr MacAddress() = default;
  /// 0x0180c2000000 is 01-80-C2-00-00-00.
  explicit constexpr MacAddress(std::uint64_t value) : value_(value & 0xffff'ffff'ffff) {}
  /// Of six octets.
  static MacAddress load(const std::byte* octets) {
    return MacAddress(std::uint64_t{load_be<std::uint32_t>(octets)} << 16 | load_be<std::uint16_t>(octets + 4));
  }
  void store(std::byte* octets) const {
    store_be<std::uint32_t>(octets, static_cast<std::uint32_t>(value_ >> 16));
    store_be<std::uint16_t>(octets + 4, static_cast<std::uint16_t>(value_));
  }
  /// 52:54:00:12:34:56, or with '-'.
  static Result<MacAddress> parse(std::string_view text);

  constexpr std::uint64_t value() const { return value_; }
  constexpr bool is_group() const { return (value_ >> 40 & 1) != 0; }
  constexpr bool is_broadcast() const { return value_ == 0xffff'ffff'ffff; }
  constexpr bool is_zero() const { return value_ == 0; }
  /// 01-80-C2-00-00-00 to -0F, which no bridge forwards (802.1Q-2018, table 8-1).
  constexpr bool is_reserved() const { return value_ >> 4 == 0x0180'c200'000; }

  constexpr auto operator<=>(const MacAddress&) const = default;

 private:
  std::uint64_t value_ = 0;
};

std::string to_string(MacAddress address);

}  // namespace strata::network::bridge

// Bits and bytes: fields, sign extension, alignment, and unaligned loads and stores of a fixed byte order.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace strata {

// A value whose lowest `width` bits are set; width 0 to 64.
constexpr std::uint64_t low_mask(unsigned width) {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

// The field of `width` bits that starts at bit `low`.
constexpr std::uint64_t extract_bits(std::uint64_t value, unsigned low, unsigned width) {
  return low >= 64 ? 0 : (value >> low) & low_mask(width);
}

// `value` with the field of `width` bits at bit `low` replaced; bits of `field` beyond the width are ignored.
constexpr std::uint64_t insert_bits(std::uint64_t value, unsigned low, unsigned width, std::uint64_t field) {
  if (low >= 64) return value;
  const std::uint64_t mask = low_mask(width) << low;
  return (value & ~mask) | ((field << low) & mask);
}

// The bits of `value` that are set in `mask`, moved together at the low end; and the low bits moved to where it is set.
constexpr std::uint64_t gather_bits(std::uint64_t value, std::uint64_t mask) {
  std::uint64_t result = 0;
  for (std::uint64_t to = 1; mask != 0; mask &= mask - 1, to <<= 1)
    if ((value & mask & (~mask + 1)) != 0) result |= to;
  return result;
}
constexpr std::uint64_t scatter_bits(std::uint64_t value, std::uint64_t mask) {
  std::uint64_t result = 0;
  for (; mask != 0; mask &= mask - 1, value >>= 1)
    if ((value & 1) != 0) result |= mask & (~mask + 1);
  return result;
}

constexpr bool test_bit(std::uint64_t value, unsigned bit) { return bit < 64 && ((value >> bit) & 1) != 0; }

// The lowest `width` bits (1 to 64) as a signed number.
constexpr std::int64_t sign_extend(std::uint64_t value, unsigned width) {
  const unsigned unused = 64 - width;
  return static_cast<std::int64_t>(value << unused) >> unused;
}
template <unsigned Width>
constexpr std::int64_t sign_extend(std::uint64_t value) {
  static_assert(Width >= 1 && Width <= 64);
  return sign_extend(value, Width);
}

template <std::unsigned_integral T>
constexpr bool is_power_of_two(T value) {
  return std::has_single_bit(value);
}

// Alignments are powers of two. align_up wraps to 0 where the result does not fit in T.
template <std::unsigned_integral T>
constexpr T align_down(T value, std::type_identity_t<T> alignment) {
  return static_cast<T>(value & ~static_cast<T>(alignment - 1));
}
template <std::unsigned_integral T>
constexpr T align_up(T value, std::type_identity_t<T> alignment) {
  return align_down(static_cast<T>(value + (alignment - 1)), alignment);
}
template <std::unsigned_integral T>
constexpr bool is_aligned(T value, std::type_identity_t<T> alignment) {
  return (value & static_cast<T>(alignment - 1)) == 0;
}

// The same value with its bytes in the opposite order.
template <std::integral T>
constexpr T byte_swap(T value) {
  using Unsigned = std::make_unsigned_t<T>;
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<Unsigned>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<Unsigned>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<Unsigned>(value)));
}

// Loads and stores at any address: guest memory, file headers and packets keep no alignment.
template <std::integral T>
T load_le(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : byte_swap(value);
}
template <std::integral T>
void store_le(void* to, std::type_identity_t<T> value) {
  if constexpr (std::endian::native == std::endian::big) value = byte_swap<T>(value);
  std::memcpy(to, &value, sizeof value);
}
template <std::integral T>
T load_be(const void* from) {
  return byte_swap(load_le<T>(from));
}
template <std::integral T>
void store_be(void* to, std::type_identity_t<T> value) {
  store_le<T>(to, byte_swap<T>(value));
}

}  // namespace strata

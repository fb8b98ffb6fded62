// Arithmetic flags (ir/flags.h) from operands and results, for any host.
#pragma once

#include <cstdint>

#include "ir/flags.h"

namespace strata::codegen::interp {

/// Zero, sign and parity of a result.
template <class T>
[[gnu::always_inline]] inline uint32_t flags_of_result(T result) {
  const uint32_t parity = (__builtin_parity(static_cast<uint8_t>(result)) ^ 1) << 2;
  const uint32_t zero = static_cast<uint32_t>(result == 0) << 6;
  const uint32_t sign = static_cast<uint32_t>(result >> (sizeof(T) * 8 - 1)) << 7;
  return parity | zero | sign;
}

/// Half and overflow, which lie at the places 4 and width - 1 of the words given.
template <class T>
[[gnu::always_inline]] inline uint32_t flags_of_carries(T half, T overflow) {
  const uint32_t top = static_cast<uint32_t>(overflow >> (sizeof(T) * 8 - 1));
  return (static_cast<uint32_t>(half) & ir::Flag::half) | top << 11;
}

template <class T>
[[gnu::always_inline]] inline uint32_t flags_of_add(T a, T b, bool carry_in) {
  const T sum = static_cast<T>(a + b);
  const T result = static_cast<T>(sum + carry_in);
  const uint32_t carry = static_cast<uint32_t>(sum < a) | static_cast<uint32_t>(result < sum);
  return carry | flags_of_result(result) |
         flags_of_carries(static_cast<T>(a ^ b ^ result), static_cast<T>((a ^ result) & (b ^ result)));
}

template <class T>
[[gnu::always_inline]] inline uint32_t flags_of_sub(T a, T b, bool borrow_in) {
  const T difference = static_cast<T>(a - b);
  const T result = static_cast<T>(difference - borrow_in);
  const uint32_t carry = static_cast<uint32_t>(a < b) | static_cast<uint32_t>(difference < borrow_in);
  return carry | flags_of_result(result) |
         flags_of_carries(static_cast<T>(a ^ b ^ result), static_cast<T>((a ^ b) & (a ^ result)));
}

/// Carry, half and overflow are clear.
template <class T>
[[gnu::always_inline]] inline uint32_t flags_of_logic(T result) {
  return flags_of_result(result);
}

}  // namespace strata::codegen::interp

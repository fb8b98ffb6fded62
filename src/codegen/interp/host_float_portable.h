// Floating point where the host is no x86: plain C++. Results that are no NaNs are those of IEEE 754 in the host's
// rounding mode. It does not promise: which of two NaNs is given back and with which sign, exceptions in MXCSR, flush to
// zero and denormals as zero. What is out of range becomes the minimum, as the IR demands.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "ir/flags.h"

namespace strata::codegen::interp::host {

// clang-format off
template <class T> T add(T a, T b) { return a + b; }
template <class T> T sub(T a, T b) { return a - b; }
template <class T> T mul(T a, T b) { return a * b; }
template <class T> T div(T a, T b) { return a / b; }
template <class T> T min(T a, T b) { return a < b ? a : b; }
template <class T> T max(T a, T b) { return a > b ? a : b; }
// clang-format on

inline float sqrt(float a) { return std::sqrt(a); }
inline double sqrt(double a) { return std::sqrt(a); }
inline Floats sqrt(Floats a) { return Floats{sqrt(a[0]), sqrt(a[1]), sqrt(a[2]), sqrt(a[3])}; }
inline Doubles sqrt(Doubles a) { return Doubles{sqrt(a[0]), sqrt(a[1])}; }

/// Lanes of all ones or zero.
template <int Predicate, class V>
V compare(V a, V b) {
  using Lane = std::conditional_t<std::is_same_v<V, Floats>, int32_t, int64_t>;
  V result;
  for (unsigned i = 0; i < sizeof(V) / sizeof(Lane); ++i) {
    const bool unordered = std::isnan(a[i]) || std::isnan(b[i]);
    const bool holds = (Predicate & 3) == 0   ? a[i] == b[i]
                       : (Predicate & 3) == 1 ? a[i] < b[i]
                       : (Predicate & 3) == 2 ? a[i] <= b[i]
                                              : unordered;
    const Lane lane = holds != (Predicate >= 4) ? -1 : 0;
    std::memcpy(reinterpret_cast<char*>(&result) + i * sizeof lane, &lane, sizeof lane);
  }
  return result;
}

template <class T>
uint32_t quiet_flags(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return ir::Flag::carry | ir::Flag::zero | ir::Flag::parity;
  return a < b ? ir::Flag::carry : a == b ? ir::Flag::zero : 0;
}
template <class T>
uint32_t signaling_flags(T a, T b) {
  return quiet_flags(a, b);
}

template <class To, class From>
struct Conversion {
  static To convert(From a) {
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) return to_integer(std::nearbyint(a));
    return static_cast<To>(a);
  }
  static To truncate(From a) {
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) return to_integer(std::trunc(a));
    return static_cast<To>(a);
  }

 private:
  static To to_integer(From whole) {
    constexpr From limit = static_cast<From>(uint64_t{1} << (sizeof(To) * 8 - 1));
    return whole >= -limit && whole < limit ? static_cast<To>(whole) : std::numeric_limits<To>::min();
  }
};

}  // namespace strata::codegen::interp::host

// Floating point on x86 hosts: the SSE2 instruction itself for each operation, so that NaNs, rounding and exceptions are
// the processor's. As assembly, for the compiler would swap operands (of two NaNs the first one wins), fold, or merge.
#pragma once

#include <cstdint>

#include "ir/flags.h"

namespace strata::codegen::interp::host {

#define STRATA_SSE_BINARY_OF(type, name, mnemonic)       \
  inline type name(type a, type b) {                     \
    asm volatile(mnemonic " %1, %0" : "+x"(a) : "x"(b)); \
    return a;                                            \
  }
#define STRATA_SSE_BINARY(name, mnemonic)           \
  STRATA_SSE_BINARY_OF(float, name, mnemonic "ss")  \
  STRATA_SSE_BINARY_OF(double, name, mnemonic "sd") \
  STRATA_SSE_BINARY_OF(Floats, name, mnemonic "ps") \
  STRATA_SSE_BINARY_OF(Doubles, name, mnemonic "pd")

STRATA_SSE_BINARY(add, "add")
STRATA_SSE_BINARY(sub, "sub")
STRATA_SSE_BINARY(mul, "mul")
STRATA_SSE_BINARY(div, "div")
STRATA_SSE_BINARY(min, "min")  // a < b ? a : b
STRATA_SSE_BINARY(max, "max")  // a > b ? a : b

#define STRATA_SSE_SQRT(type, mnemonic)                       \
  inline type sqrt(type a) {                                  \
    type result;                                              \
    asm volatile(mnemonic " %1, %0" : "=x"(result) : "x"(a)); \
    return result;                                            \
  }
STRATA_SSE_SQRT(float, "sqrtss")
STRATA_SSE_SQRT(double, "sqrtsd")
STRATA_SSE_SQRT(Floats, "sqrtps")
STRATA_SSE_SQRT(Doubles, "sqrtpd")

/// Lanes of all ones or zero. The predicates are numbered as in the IR.
template <int Predicate>
Floats compare(Floats a, Floats b) {
  asm volatile("cmpps %2, %1, %0" : "+x"(a) : "x"(b), "i"(Predicate));
  return a;
}
template <int Predicate>
Doubles compare(Doubles a, Doubles b) {
  asm volatile("cmppd %2, %1, %0" : "+x"(a) : "x"(b), "i"(Predicate));
  return a;
}

#define STRATA_SSE_FLAGS(name, type, mnemonic)                                                            \
  inline uint32_t name(type a, type b) {                                                                  \
    bool carry, zero, parity;                                                                             \
    asm volatile(mnemonic " %4, %3" : "=@ccc"(carry), "=@ccz"(zero), "=@ccp"(parity) : "x"(a), "x"(b));   \
    return (carry ? ir::Flag::carry : 0) | (zero ? ir::Flag::zero : 0) | (parity ? ir::Flag::parity : 0); \
  }
STRATA_SSE_FLAGS(quiet_flags, float, "ucomiss")
STRATA_SSE_FLAGS(quiet_flags, double, "ucomisd")
STRATA_SSE_FLAGS(signaling_flags, float, "comiss")
STRATA_SSE_FLAGS(signaling_flags, double, "comisd")

template <class To, class From>
struct Conversion;
#define STRATA_SSE_CONVERSION(to, from, result_in, operand_in, rounding, truncating) \
  template <>                                                                        \
  struct Conversion<to, from> {                                                      \
    static to convert(from a) {                                                      \
      to result{};                                                                   \
      asm volatile(rounding " %1, %0" : "+" result_in(result) : operand_in(a));      \
      return result;                                                                 \
    }                                                                                \
    static to truncate(from a) {                                                     \
      to result{};                                                                   \
      asm volatile(truncating " %1, %0" : "+" result_in(result) : operand_in(a));    \
      return result;                                                                 \
    }                                                                                \
  };
STRATA_SSE_CONVERSION(float, double, "x", "x", "cvtsd2ss", "cvtsd2ss")
STRATA_SSE_CONVERSION(double, float, "x", "x", "cvtss2sd", "cvtss2sd")
STRATA_SSE_CONVERSION(float, int32_t, "x", "r", "cvtsi2ssl", "cvtsi2ssl")
STRATA_SSE_CONVERSION(float, int64_t, "x", "r", "cvtsi2ssq", "cvtsi2ssq")
STRATA_SSE_CONVERSION(double, int32_t, "x", "r", "cvtsi2sdl", "cvtsi2sdl")
STRATA_SSE_CONVERSION(double, int64_t, "x", "r", "cvtsi2sdq", "cvtsi2sdq")
STRATA_SSE_CONVERSION(int32_t, float, "r", "x", "cvtss2si", "cvttss2si")
STRATA_SSE_CONVERSION(int64_t, float, "r", "x", "cvtss2si", "cvttss2si")
STRATA_SSE_CONVERSION(int32_t, double, "r", "x", "cvtsd2si", "cvttsd2si")
STRATA_SSE_CONVERSION(int64_t, double, "r", "x", "cvtsd2si", "cvttsd2si")

}  // namespace strata::codegen::interp::host

// Flags of sums and differences taken from the host's own flags register, where the host is an x86: the layout of
// ir/flags.h is that of LAHF, with overflow beside it.
#pragma once

#include <cstdint>

#include "codegen/interp/flags_compute.h"

namespace strata::codegen::interp::host {

#if defined(__x86_64__)

/// The very first 64-bit processors have no LAHF in 64-bit code.
inline bool has_flags() { return __builtin_cpu_supports("lahf_lm"); }

#define STRATA_HOST_FLAGS(name, type, mnemonic, in)                                    \
  inline uint32_t name(type a, type b) {                                               \
    uint32_t ax;                                                                       \
    bool overflow;                                                                     \
    asm(mnemonic " %3, %2\n\tlahf" : "=&a"(ax), "=@cco"(overflow), "+" in(a) : in(b)); \
    return (ax >> 8 & (ir::Flag::all & 0xff)) | static_cast<uint32_t>(overflow) << 11; \
  }
#define STRATA_HOST_FLAGS_OF_ALL(name, mnemonic)       \
  STRATA_HOST_FLAGS(name, uint8_t, mnemonic "b", "q")  \
  STRATA_HOST_FLAGS(name, uint16_t, mnemonic "w", "r") \
  STRATA_HOST_FLAGS(name, uint32_t, mnemonic "l", "r") \
  STRATA_HOST_FLAGS(name, uint64_t, mnemonic "q", "r")
STRATA_HOST_FLAGS_OF_ALL(flags_of_sum, "add")
STRATA_HOST_FLAGS_OF_ALL(flags_of_difference, "sub")

#else

inline bool has_flags() { return false; }
// clang-format off
template <class T> uint32_t flags_of_sum(T a, T b) { return flags_of_add(a, b, false); }
template <class T> uint32_t flags_of_difference(T a, T b) { return flags_of_sub(a, b, false); }
// clang-format on

#endif

}  // namespace strata::codegen::interp::host

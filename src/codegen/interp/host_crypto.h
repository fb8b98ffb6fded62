// Steps of AES and SHA, carry-less products and CRC-32C by the host's own instructions, where the host is an x86 that has
// them. Names are those of the definitions (ir/aes.h, ir/sha.h, ir/polynomial.h).
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#include <bit>

#include "ir/type.h"

namespace strata::codegen::interp::host {

using ir::Vec128;

inline __m128i host_vector(const Vec128& v) { return std::bit_cast<__m128i>(v); }
inline Vec128 ir_vector(__m128i v) { return std::bit_cast<Vec128>(v); }

#define STRATA_HOST_UNARY(features, name, intrinsic) \
  __attribute__((target(features))) inline Vec128 name(const Vec128& a) { return ir_vector(intrinsic(host_vector(a))); }
#define STRATA_HOST_BINARY(features, name, intrinsic)                                      \
  __attribute__((target(features))) inline Vec128 name(const Vec128& a, const Vec128& b) { \
    return ir_vector(intrinsic(host_vector(a), host_vector(b)));                           \
  }
STRATA_HOST_BINARY("aes", aes_encrypt, _mm_aesenc_si128)
STRATA_HOST_BINARY("aes", aes_encrypt_last, _mm_aesenclast_si128)
STRATA_HOST_BINARY("aes", aes_decrypt, _mm_aesdec_si128)
STRATA_HOST_BINARY("aes", aes_decrypt_last, _mm_aesdeclast_si128)
STRATA_HOST_UNARY("aes", aes_inverse_mix, _mm_aesimc_si128)
STRATA_HOST_BINARY("sha", sha1_next, _mm_sha1nexte_epu32)
STRATA_HOST_BINARY("sha", sha1_message_1, _mm_sha1msg1_epu32)
STRATA_HOST_BINARY("sha", sha1_message_2, _mm_sha1msg2_epu32)
STRATA_HOST_BINARY("sha", sha256_message_1, _mm_sha256msg1_epu32)
STRATA_HOST_BINARY("sha", sha256_message_2, _mm_sha256msg2_epu32)
#undef STRATA_HOST_BINARY
#undef STRATA_HOST_UNARY

__attribute__((target("sha"))) inline Vec128 sha256_rounds(const Vec128& cdgh, const Vec128& abef, const Vec128& keys) {
  return ir_vector(_mm_sha256rnds2_epu32(host_vector(cdgh), host_vector(abef), host_vector(keys)));
}

__attribute__((target("sha"))) inline Vec128 sha1_rounds(const Vec128& state, const Vec128& schedule, uint64_t part) {
  const __m128i a = host_vector(state), b = host_vector(schedule);
  switch (part) {
    case 0: return ir_vector(_mm_sha1rnds4_epu32(a, b, 0));
    case 1: return ir_vector(_mm_sha1rnds4_epu32(a, b, 1));
    case 2: return ir_vector(_mm_sha1rnds4_epu32(a, b, 2));
    default: return ir_vector(_mm_sha1rnds4_epu32(a, b, 3));
  }
}

__attribute__((target("pclmul"))) inline Vec128 carryless_multiply(const Vec128& a, const Vec128& b, uint64_t lanes) {
  const Vec128 left{lanes & 1 ? a.hi : a.lo, 0}, right{lanes >> 1 ? b.hi : b.lo, 0};
  return ir_vector(_mm_clmulepi64_si128(host_vector(left), host_vector(right), 0));
}

__attribute__((target("sse4.2"))) inline uint32_t crc32c(uint32_t crc, uint64_t data, uint64_t bytes) {
  switch (bytes) {
    case 1: return _mm_crc32_u8(crc, static_cast<uint8_t>(data));
    case 2: return _mm_crc32_u16(crc, static_cast<uint16_t>(data));
    case 4: return _mm_crc32_u32(crc, static_cast<uint32_t>(data));
    default: return static_cast<uint32_t>(_mm_crc32_u64(crc, data));
  }
}

inline bool has_aes() { return __builtin_cpu_supports("aes"); }
inline bool has_pclmul() { return __builtin_cpu_supports("pclmul"); }
/// Not every compiler knows the name of this one.
inline bool has_sha() {
  static const bool has = [] {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
  }();
  return has;
}
inline bool has_crc32() { return __builtin_cpu_supports("sse4.2"); }

}  // namespace strata::codegen::interp::host
#endif

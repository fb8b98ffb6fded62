// AES, carry-less multiplication and CRC32: by the host's instructions where it has them, else by their definition.
#include "isa/x86/helpers/crypto.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/helpers/sse.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

namespace strata::isa::x86::helpers {
namespace {

using Round = ir::Vec128(const ir::Vec128&, const ir::Vec128&);

template <Round* Function>
uint64_t round_by_definition(ir::ExecContext&, ir::Vec128* result, const ir::Vec128* state, const ir::Vec128* key) {
  *result = Function(*state, *key);
  return 0;
}
constexpr auto encrypt = round_by_definition<crypto::aes_encrypt>;
constexpr auto encrypt_last = round_by_definition<crypto::aes_encrypt_last>;
constexpr auto decrypt = round_by_definition<crypto::aes_decrypt>;
constexpr auto decrypt_last = round_by_definition<crypto::aes_decrypt_last>;

uint64_t inverse_mix(ir::ExecContext&, ir::Vec128* result, const ir::Vec128* state) {
  *result = crypto::aes_inverse_mix(*state);
  return 0;
}

/// Doublewords 1 and 3 substituted; and the same rotated, with the round constant.
uint64_t key_assist(ir::ExecContext&, ir::Vec128* result, const ir::Vec128* operand, uint64_t round_constant) {
  const auto half = [&](uint64_t quadword) {
    const uint32_t word = crypto::substitute_word(static_cast<uint32_t>(quadword >> 32));
    const uint32_t rotated = (word >> 8 | word << 24) ^ static_cast<uint32_t>(round_constant);
    return word | uint64_t{rotated} << 32;
  };
  *result = {half(operand->lo), half(operand->hi)};
  return 0;
}

uint64_t multiply(ir::ExecContext&, ir::Vec128* result, uint64_t a, uint64_t b) {
  *result = crypto::carryless_multiply(a, b);
  return 0;
}

uint64_t castagnoli(ir::ExecContext&, uint64_t crc, uint64_t data, uint64_t bytes) {
  return crypto::crc32c(static_cast<uint32_t>(crc), data, bytes);
}

#if defined(__x86_64__)

const __m128i& host(const ir::Vec128* v) { return *reinterpret_cast<const __m128i*>(v); }
uint64_t give(ir::Vec128* result, __m128i value) {
  _mm_store_si128(reinterpret_cast<__m128i*>(result), value);
  return 0;
}

#define STRATA_AES_ROUND(name, intrinsic)                                                                     \
  __attribute__((target("aes"))) uint64_t name(ir::ExecContext&, ir::Vec128* result, const ir::Vec128* state, \
                                               const ir::Vec128* key) {                                       \
    return give(result, intrinsic(host(state), host(key)));                                                   \
  }
STRATA_AES_ROUND(host_encrypt, _mm_aesenc_si128)
STRATA_AES_ROUND(host_encrypt_last, _mm_aesenclast_si128)
STRATA_AES_ROUND(host_decrypt, _mm_aesdec_si128)
STRATA_AES_ROUND(host_decrypt_last, _mm_aesdeclast_si128)
#undef STRATA_AES_ROUND

__attribute__((target("aes"))) uint64_t host_inverse_mix(ir::ExecContext&, ir::Vec128* result,
                                                         const ir::Vec128* state) {
  return give(result, _mm_aesimc_si128(host(state)));
}

__attribute__((target("pclmul"))) uint64_t host_multiply(ir::ExecContext&, ir::Vec128* result, uint64_t a, uint64_t b) {
  const auto low = [](uint64_t word) { return _mm_cvtsi64_si128(static_cast<long long>(word)); };
  return give(result, _mm_clmulepi64_si128(low(a), low(b), 0));
}

__attribute__((target("sse4.2"))) uint64_t host_castagnoli(ir::ExecContext&, uint64_t crc, uint64_t data,
                                                           uint64_t bytes) {
  const auto sum = static_cast<uint32_t>(crc);
  switch (bytes) {
    case 1: return _mm_crc32_u8(sum, static_cast<uint8_t>(data));
    case 2: return _mm_crc32_u16(sum, static_cast<uint16_t>(data));
    case 4: return _mm_crc32_u32(sum, static_cast<uint32_t>(data));
    default: return _mm_crc32_u64(sum, data);
  }
}

// Asked while static objects are made, possibly before the compiler's own constructor has asked the processor.
bool host_has_aes() { return __builtin_cpu_init(), __builtin_cpu_supports("aes"); }
bool host_has_pclmul() { return __builtin_cpu_init(), __builtin_cpu_supports("pclmul"); }
bool host_has_crc32() { return __builtin_cpu_init(), __builtin_cpu_supports("sse4.2"); }
#define STRATA_HOST_OR(feature, name) (host_has_##feature() ? (host_##name) : (name))

#else
#define STRATA_HOST_OR(feature, name) (name)
#endif

using enum ir::Type;

ir::Helper aes_round(const char* name,
                     uint64_t (*function)(ir::ExecContext&, ir::Vec128*, const ir::Vec128*, const ir::Vec128*)) {
  return define_helper(name, function, v128, {v128, v128}, ir::HelperEffect::pure);
}

}  // namespace

const ir::Helper aes_encrypt = aes_round("aes_encrypt", STRATA_HOST_OR(aes, encrypt));
const ir::Helper aes_encrypt_last = aes_round("aes_encrypt_last", STRATA_HOST_OR(aes, encrypt_last));
const ir::Helper aes_decrypt = aes_round("aes_decrypt", STRATA_HOST_OR(aes, decrypt));
const ir::Helper aes_decrypt_last = aes_round("aes_decrypt_last", STRATA_HOST_OR(aes, decrypt_last));
const ir::Helper aes_inverse_mix =
    define_helper("aes_inverse_mix", STRATA_HOST_OR(aes, inverse_mix), v128, {v128}, ir::HelperEffect::pure);
const ir::Helper aes_key_assist = define_helper("aes_key_assist", key_assist, v128, {v128, i8}, ir::HelperEffect::pure);
const ir::Helper carryless_multiply =
    define_helper("carryless_multiply", STRATA_HOST_OR(pclmul, multiply), v128, {i64, i64}, ir::HelperEffect::pure);
const ir::Helper crc32 =
    define_helper("crc32", STRATA_HOST_OR(crc32, castagnoli), i32, {i32, i64, i8}, ir::HelperEffect::pure);

}  // namespace strata::isa::x86::helpers

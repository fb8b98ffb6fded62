// Steps of AES and SHA, carry-less products and CRC-32C: by the host's instructions where it has them, else by their
// definitions.
#include <type_traits>

#include "codegen/interp/host_crypto.h"
#include "codegen/interp/lanes.h"
#include "ir/aes.h"
#include "ir/polynomial.h"
#include "ir/sha.h"

namespace strata::codegen::interp {
namespace {

using ir::Op;
using ir::Vec128;
namespace crypto = ir::crypto;

/// The handler of a function of one to three vectors, of which the last may be an immediate.
template <auto F>
Next handler_of_function(STRATA_STEP_PARAMS) {
  using Function = decltype(F);
  const auto imm = static_cast<uint64_t>(step->imm);
  const auto a = STRATA_ANY(Vec128, a);
  if constexpr (std::is_invocable_v<Function, Vec128>) write_any(F(a), step, state, frame);
  else if constexpr (std::is_invocable_v<Function, Vec128, uint64_t>) write_any(F(a, imm), step, state, frame);
  else if constexpr (std::is_invocable_v<Function, Vec128, Vec128>)
    write_any(F(a, STRATA_ANY(Vec128, b)), step, state, frame);
  else if constexpr (std::is_invocable_v<Function, Vec128, Vec128, uint64_t>)
    write_any(F(a, STRATA_ANY(Vec128, b), imm), step, state, frame);
  else write_any(F(a, STRATA_ANY(Vec128, b), STRATA_ANY(Vec128, c)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

Vec128 multiply(const Vec128& a, const Vec128& b, uint64_t lanes) { return crypto::carryless_multiply(a, b, lanes); }

template <auto F, class T>
Next crc_handler(STRATA_STEP_PARAMS) {
  write_any(F(STRATA_ANY(uint32_t, a), STRATA_ANY(T, b), sizeof(T)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <auto F>
Handler crc_of(Width width) {
  static constexpr Handler handlers[] = {&crc_handler<F, uint8_t>, &crc_handler<F, uint16_t>, &crc_handler<F, uint32_t>,
                                         &crc_handler<F, uint64_t>};
  return handlers[index(width)];
}

#if defined(__x86_64__)
#define STRATA_HOST_OR(feature, host_function, definition) \
  (host::has_##feature() ? &handler_of_function<host::host_function> : &handler_of_function<definition>)
#else
#define STRATA_HOST_OR(feature, host_function, definition) (&handler_of_function<definition>)
#endif
#define STRATA_HOST_OR_DEFINITION(feature, name) STRATA_HOST_OR(feature, name, crypto::name)

}  // namespace

Handler vector_crypto(Op op) {
  switch (op) {
    case Op::vaes_encrypt: return STRATA_HOST_OR_DEFINITION(aes, aes_encrypt);
    case Op::vaes_encrypt_last: return STRATA_HOST_OR_DEFINITION(aes, aes_encrypt_last);
    case Op::vaes_decrypt: return STRATA_HOST_OR_DEFINITION(aes, aes_decrypt);
    case Op::vaes_decrypt_last: return STRATA_HOST_OR_DEFINITION(aes, aes_decrypt_last);
    case Op::vaes_inverse_mix: return STRATA_HOST_OR_DEFINITION(aes, aes_inverse_mix);
    case Op::vaes_key_assist: return &handler_of_function<crypto::aes_key_assist>;  // the host's wants a constant
    case Op::vmul_carryless: return STRATA_HOST_OR(pclmul, carryless_multiply, multiply);
    case Op::vsha1_rounds: return STRATA_HOST_OR_DEFINITION(sha, sha1_rounds);
    case Op::vsha1_next: return STRATA_HOST_OR_DEFINITION(sha, sha1_next);
    case Op::vsha1_message_1: return STRATA_HOST_OR_DEFINITION(sha, sha1_message_1);
    case Op::vsha1_message_2: return STRATA_HOST_OR_DEFINITION(sha, sha1_message_2);
    case Op::vsha256_rounds: return STRATA_HOST_OR_DEFINITION(sha, sha256_rounds);
    case Op::vsha256_message_1: return STRATA_HOST_OR_DEFINITION(sha, sha256_message_1);
    case Op::vsha256_message_2: return STRATA_HOST_OR_DEFINITION(sha, sha256_message_2);
    default: return nullptr;
  }
}

Handler crc32c(Width width) {
#if defined(__x86_64__)
  if (host::has_crc32()) return crc_of<host::crc32c>(width);
#endif
  return crc_of<crypto::crc32c>(width);
}

}  // namespace strata::codegen::interp

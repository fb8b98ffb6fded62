// AES, carry-less multiplication and CRC-32C: the definitions against published values, the helpers against them.
#include "isa/x86/helpers/crypto.h"

#include <gtest/gtest.h>

#include <random>

#include "ir/runtime.h"
#include "isa/x86/helpers/sse.h"

namespace strata::isa::x86 {
namespace {

using ir::Vec128;

Vec128 from_bytes(const crypto::Block& bytes) { return crypto::vector_of(bytes); }

/// The words of FIPS 197, appendix A.1 are in the order of bytes.
const crypto::Block fips_key = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};

TEST(Crypto, FirstRoundOfFips197) {  // appendix B: start of round 1, key of round 1, start of round 2
  const Vec128 start =
      from_bytes({0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b, 0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08});
  const Vec128 key =
      from_bytes({0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1, 0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05});
  const Vec128 next =
      from_bytes({0xa4, 0x9c, 0x7f, 0xf2, 0x68, 0x9f, 0x35, 0x2b, 0x6b, 0x5b, 0xea, 0x43, 0x02, 0x6a, 0x50, 0x49});
  EXPECT_EQ(crypto::aes_encrypt(start, key), next);
}

TEST(Crypto, KeyExpansionOfFips197) {  // the last word of the first round key is w4's ingredient: SubWord, RotWord, 01
  const auto assist = reinterpret_cast<uint64_t (*)(ir::ExecContext&, Vec128*, const Vec128*, uint64_t)>(
      helpers::aes_key_assist.function);
  ir::ExecContext context;
  const Vec128 key = from_bytes(fips_key);
  Vec128 result;
  assist(context, &result, &key, 1);
  const uint32_t w4 = static_cast<uint32_t>(result.hi >> 32) ^ static_cast<uint32_t>(key.lo);
  EXPECT_EQ(w4, 0x17fefaa0u);  // a0fafe17
}

TEST(Crypto, DecryptionUndoesEncryption) {
  const Vec128 state = from_bytes(fips_key), zero;
  const Vec128 encrypted = crypto::aes_encrypt_last(state, zero);
  EXPECT_EQ(crypto::aes_decrypt_last(encrypted, zero), state);
  const Vec128 mixed = crypto::aes_inverse_mix(crypto::aes_encrypt(state, zero));
  EXPECT_EQ(crypto::aes_decrypt_last(mixed, zero), state);
}

TEST(Crypto, Crc32cOfTheDigits) {  // RFC 3720's check value, of "123456789"
  uint32_t crc = ~0u;
  for (char digit : {'1', '2', '3', '4', '5', '6', '7', '8', '9'})
    crc = crypto::crc32c(crc, static_cast<uint8_t>(digit), 1);
  EXPECT_EQ(~crc, 0xe3069283u);
}

TEST(Crypto, CarrylessProductOfSmallPolynomials) {  // (x + 1)^2 = x^2 + 1
  EXPECT_EQ(crypto::carryless_multiply(3, 3), (Vec128{5, 0}));
  EXPECT_EQ(crypto::carryless_multiply(uint64_t{1} << 63, 2), (Vec128{0, 1}));
}

/// The helpers may be the host's instructions.
TEST(Crypto, HelpersFollowTheDefinitions) {
  std::mt19937_64 random(1);
  ir::ExecContext context;
  const auto round = [&](const ir::Helper& helper, const Vec128& state, const Vec128& key) {
    Vec128 result;
    reinterpret_cast<uint64_t (*)(ir::ExecContext&, Vec128*, const Vec128*, const Vec128*)>(helper.function)(
        context, &result, &state, &key);
    return result;
  };
  const auto multiply = reinterpret_cast<uint64_t (*)(ir::ExecContext&, Vec128*, uint64_t, uint64_t)>(
      helpers::carryless_multiply.function);
  const auto crc32 =
      reinterpret_cast<uint64_t (*)(ir::ExecContext&, uint64_t, uint64_t, uint64_t)>(helpers::crc32.function);
  for (unsigned i = 0; i < 200; ++i) {
    const Vec128 state{random(), random()}, key{random(), random()};
    EXPECT_EQ(round(helpers::aes_encrypt, state, key), crypto::aes_encrypt(state, key));
    EXPECT_EQ(round(helpers::aes_encrypt_last, state, key), crypto::aes_encrypt_last(state, key));
    EXPECT_EQ(round(helpers::aes_decrypt, state, key), crypto::aes_decrypt(state, key));
    EXPECT_EQ(round(helpers::aes_decrypt_last, state, key), crypto::aes_decrypt_last(state, key));
    EXPECT_EQ(round(helpers::aes_inverse_mix, state, key), crypto::aes_inverse_mix(state));
    Vec128 product;
    multiply(context, &product, state.lo, state.hi);
    EXPECT_EQ(product, crypto::carryless_multiply(state.lo, state.hi));
    for (uint64_t bytes : {1, 2, 4, 8}) {
      const auto crc = static_cast<uint32_t>(key.lo);
      EXPECT_EQ(crc32(context, crc, state.lo, bytes), crypto::crc32c(crc, state.lo, bytes));
    }
  }
}

}  // namespace
}  // namespace strata::isa::x86

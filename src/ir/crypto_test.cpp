// AES, SHA, carry-less multiplication and CRC-32C: the definitions against published values.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ir/aes.h"
#include "ir/polynomial.h"
#include "ir/sha.h"

namespace strata::ir {
namespace {

/// The words of FIPS 197, appendix A.1 are in the order of bytes.
const crypto::Block fips_key = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};

TEST(Crypto, FirstRoundOfFips197) {  // appendix B: start of round 1, key of round 1, start of round 2
  const Vec128 start = crypto::vector_of(
      {0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b, 0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08});
  const Vec128 key = crypto::vector_of(
      {0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1, 0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05});
  const Vec128 next = crypto::vector_of(
      {0xa4, 0x9c, 0x7f, 0xf2, 0x68, 0x9f, 0x35, 0x2b, 0x6b, 0x5b, 0xea, 0x43, 0x02, 0x6a, 0x50, 0x49});
  EXPECT_EQ(crypto::aes_encrypt(start, key), next);
}

TEST(Crypto, KeyExpansionOfFips197) {  // the last word of the key is w4's ingredient: SubWord, RotWord, 01
  const Vec128 key = crypto::vector_of(fips_key), result = crypto::aes_key_assist(key, 1);
  const uint32_t w4 = static_cast<uint32_t>(result.hi >> 32) ^ static_cast<uint32_t>(key.lo);
  EXPECT_EQ(w4, 0x17fefaa0u);  // a0fafe17
}

TEST(Crypto, DecryptionUndoesEncryption) {
  const Vec128 state = crypto::vector_of(fips_key), zero;
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

Vec128 of_words(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) {
  return crypto::vector_of(crypto::Words{w0, w1, w2, w3});
}

/// One block: the three letters, the bit behind them, and their number of bits at the end.
std::array<uint32_t, 16> padded_abc() {
  std::array<uint32_t, 16> words{};
  words[0] = 0x61626380;
  words[15] = 24;
  return words;
}

Vec128 ascending(const uint32_t* words) { return of_words(words[0], words[1], words[2], words[3]); }
Vec128 descending(const uint32_t* words) { return of_words(words[3], words[2], words[1], words[0]); }
Vec128 sum(const Vec128& a, const Vec128& b) {
  crypto::Words words = crypto::words_of(a);
  for (unsigned i = 0; i < 4; ++i) words[i] += crypto::words_of(b)[i];
  return crypto::vector_of(words);
}

TEST(Crypto, Sha1OfAbc) {  // FIPS 180, example
  const std::array<uint32_t, 16> block = padded_abc();
  const Vec128 start = of_words(0x10325476, 0x98badcfe, 0xefcdab89, 0x67452301);
  std::array<Vec128, 4> schedule;
  for (unsigned i = 0; i < 4; ++i) schedule[i] = descending(&block[4 * i]);
  Vec128 state = start, before, words = sum(schedule[0], of_words(0, 0, 0, 0xc3d2e1f0));
  for (unsigned i = 0; i < 20; ++i) {
    if (i > 0) words = crypto::sha1_next(before, schedule[0]);
    before = state;
    state = crypto::sha1_rounds(state, words, i / 5);
    Vec128 next = crypto::sha1_message_1(schedule[0], schedule[1]);
    next = {next.lo ^ schedule[2].lo, next.hi ^ schedule[2].hi};
    next = crypto::sha1_message_2(next, schedule[3]);
    schedule = {schedule[1], schedule[2], schedule[3], next};
  }
  const Vec128 e = crypto::sha1_next(before, of_words(0, 0, 0, 0xc3d2e1f0));
  EXPECT_EQ(sum(state, start), of_words(0x7850c26c, 0xba3e2571, 0x4706816a, 0xa9993e36));
  EXPECT_EQ(crypto::words_of(e)[3], 0x9cd0d89du);
}

/// The first 32 bits behind the point of the roots of the first primes.
template <class Root>
std::vector<uint32_t> fractions_of_roots(unsigned count, Root root) {
  std::vector<uint32_t> result;
  for (unsigned n = 2; result.size() < count; ++n) {
    bool prime = true;
    for (unsigned d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
    const long double value = root(static_cast<long double>(n));
    if (prime) result.push_back(static_cast<uint32_t>((value - std::floor(value)) * 0x1p32L));
  }
  return result;
}

TEST(Crypto, Sha256OfAbc) {  // FIPS 180, example
  const auto constants = fractions_of_roots(64, [](long double n) { return std::cbrt(n); });
  const auto h = fractions_of_roots(8, [](long double n) { return std::sqrt(n); });
  const std::array<uint32_t, 16> block = padded_abc();
  std::array<Vec128, 4> schedule;
  for (unsigned i = 0; i < 4; ++i) schedule[i] = ascending(&block[4 * i]);
  const Vec128 start_abef = of_words(h[5], h[4], h[1], h[0]);
  const Vec128 start_cdgh = of_words(h[7], h[6], h[3], h[2]);
  Vec128 abef = start_abef, cdgh = start_cdgh;
  for (unsigned i = 0; i < 16; ++i) {
    Vec128 keys = sum(schedule[0], ascending(&constants[4 * i]));
    for (unsigned half = 0; half < 2; ++half) {
      const Vec128 next = crypto::sha256_rounds(cdgh, abef, keys);
      cdgh = abef;
      abef = next;
      keys = {keys.hi, 0};
    }
    const crypto::Words x = crypto::words_of(schedule[2]), y = crypto::words_of(schedule[3]);
    Vec128 next = crypto::sha256_message_1(schedule[0], schedule[1]);
    next = crypto::sha256_message_2(sum(next, of_words(x[1], x[2], x[3], y[0])), schedule[3]);
    schedule = {schedule[1], schedule[2], schedule[3], next};
  }
  EXPECT_EQ(sum(abef, start_abef), of_words(0x96177a9c, 0xb00361a3, 0x8f01cfea, 0xba7816bf));
  EXPECT_EQ(sum(cdgh, start_cdgh), of_words(0xf20015ad, 0xb410ff61, 0x5dae2223, 0x414140de));
}

}  // namespace
}  // namespace strata::ir

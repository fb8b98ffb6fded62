// The steps of SHA-1 and SHA-256 (FIPS 180-4) on vectors of four 32-bit words, by their definitions. Word 3 is the
// highest; "from the top" begins with it. The schedule's words W(t) go down a vector for SHA-1, and up for SHA-256.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "ir/type.h"

namespace strata::ir::crypto {

using Words = std::array<uint32_t, 4>;

inline Words words_of(const Vec128& v) { return std::bit_cast<Words>(v); }
inline Vec128 vector_of(const Words& words) { return std::bit_cast<Vec128>(words); }

constexpr uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (~x & z); }
constexpr uint32_t parity(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }
constexpr uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (x & z) ^ (y & z); }

/// Four rounds of SHA-1, of `part` 0 to 3 of its 80. `state`: a, b, c, d from the top, and so the result; `schedule`:
/// W(t) + e, W(t+1), W(t+2), W(t+3) from the top.
inline Vec128 sha1_rounds(const Vec128& state, const Vec128& schedule, uint64_t part) {
  constexpr uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
  constexpr decltype(&choose) functions[] = {choose, parity, majority, parity};
  const Words w = words_of(schedule);
  auto [d, c, b, a] = words_of(state);
  uint32_t e = 0;  // it is in the schedule's first word
  for (unsigned i = 4; i-- > 0;) {
    const uint32_t sum = std::rotl(a, 5) + functions[part](b, c, d) + e + constants[part] + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = sum;
  }
  return vector_of(Words{d, c, b, a});
}

/// The schedule's four words with e added to the first, for rounds that follow others. `state`: that before those.
inline Vec128 sha1_next(const Vec128& state, const Vec128& schedule) {
  Words w = words_of(schedule);
  w[3] += std::rotl(words_of(state)[3], 30);
  return vector_of(w);
}

/// W(t-16) ^ W(t-14) for four t, of W(t-16) to W(t-13) and W(t-12) to W(t-9).
inline Vec128 sha1_message_1(const Vec128& first, const Vec128& second) {
  const Words x = words_of(first), y = words_of(second);
  return vector_of(Words{x[0] ^ y[2], x[1] ^ y[3], x[2] ^ x[0], x[3] ^ x[1]});
}

/// W(t) to W(t+3), of what is summed up for them already and W(t-4) to W(t-1).
inline Vec128 sha1_message_2(const Vec128& sums, const Vec128& last) {
  const Words x = words_of(sums), y = words_of(last);
  Words w;
  for (unsigned i = 3; i > 0; --i) w[i] = std::rotl(x[i] ^ y[i - 1], 1);
  w[0] = std::rotl(x[0] ^ w[3], 1);
  return vector_of(w);
}

/// Two rounds of SHA-256. The state from the top: `cdgh` c, d, g, h; `abef` a, b, e, f. W(t) + K(t) and the next are
/// words 0 and 1 of `keys`. Gives the next a, b, e, f; the next c, d, g, h are a, b, e, f.
inline Vec128 sha256_rounds(const Vec128& cdgh, const Vec128& abef, const Vec128& keys) {
  auto [h, g, d, c] = words_of(cdgh);
  auto [f, e, b, a] = words_of(abef);
  for (unsigned i = 0; i < 2; ++i) {
    const uint32_t sum_1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const uint32_t sum_0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const uint32_t t1 = h + sum_1 + choose(e, f, g) + words_of(keys)[i], t2 = sum_0 + majority(a, b, c);
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  return vector_of(Words{f, e, b, a});
}

/// W(t-16) + sigma0(W(t-15)) for four t, of W(t-16) to W(t-13) and W(t-12) to W(t-9).
inline Vec128 sha256_message_1(const Vec128& first, const Vec128& second) {
  const auto sigma = [](uint32_t x) { return std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3; };
  Words w = words_of(first);
  for (unsigned i = 0; i < 3; ++i) w[i] += sigma(w[i + 1]);
  w[3] += sigma(words_of(second)[0]);
  return vector_of(w);
}

/// W(t) to W(t+3), of what is summed up for them already and W(t-4) to W(t-1).
inline Vec128 sha256_message_2(const Vec128& sums, const Vec128& last) {
  const auto sigma = [](uint32_t x) { return std::rotr(x, 17) ^ std::rotr(x, 19) ^ x >> 10; };
  Words w = words_of(sums);
  w[0] += sigma(words_of(last)[2]);
  w[1] += sigma(words_of(last)[3]);
  w[2] += sigma(w[0]);
  w[3] += sigma(w[1]);
  return vector_of(w);
}

}  // namespace strata::ir::crypto

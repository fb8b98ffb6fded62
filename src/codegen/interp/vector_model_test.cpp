// What vector operations give, lane by lane in wide integers; and the model itself against the processor's own
// instructions where the host is an x86.
#include <gtest/gtest.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "codegen/interp/reference_test.h"
#include "ir/aes.h"
#include "ir/polynomial.h"
#include "ir/sha.h"

namespace strata::codegen::interp {

using ir::Op;

namespace {

using Wide = __int128;

/// A vector as lanes of `width` bits.
struct Vector {
  explicit Vector(unsigned bits, const Datum& from = {}) : width(bits), value(from) {}

  unsigned count() const { return 128 / width; }
  uint64_t operator[](unsigned i) const {
    const unsigned bit = i * width;
    const uint64_t word = (bit < 64 ? value.lo : value.hi) >> bit % 64;
    return width == 64 ? word : word & ((uint64_t{1} << width) - 1);
  }
  Wide number(unsigned i, bool is_signed) const {
    const uint64_t lane = (*this)[i];
    return is_signed && lane >> (width - 1) & 1 ? static_cast<Wide>(lane) - (static_cast<Wide>(1) << width) : lane;
  }
  void put(unsigned i, Wide lane) {
    const unsigned bit = i * width;
    uint64_t& word = bit < 64 ? value.lo : value.hi;
    const uint64_t mask = (width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1) << bit % 64;
    word = (word & ~mask) | (static_cast<uint64_t>(lane) << bit % 64 & mask);
  }

  unsigned width;
  Datum value;
};

Wide saturate(Wide value, unsigned width, bool is_signed) {
  const Wide low = is_signed ? -(static_cast<Wide>(1) << (width - 1)) : 0;
  const Wide high = is_signed ? (static_cast<Wide>(1) << (width - 1)) - 1 : (static_cast<Wide>(1) << width) - 1;
  return value < low ? low : value > high ? high : value;
}

/// One lane of the operations that treat lanes for themselves; nothing for others.
std::optional<Wide> lanewise(const ir::Instr& instr, const Vector& a, const Vector& b, unsigned i) {
  const unsigned width = a.width;
  const Wide ua = a.number(i, false), ub = b.number(i, false), sa = a.number(i, true), sb = b.number(i, true);
  const uint64_t count = b.value.lo;
  switch (instr.op) {
    case Op::vadd: return ua + ub;
    case Op::vsub: return ua - ub;
    case Op::vadd_sat_s: return saturate(sa + sb, width, true);
    case Op::vadd_sat_u: return saturate(ua + ub, width, false);
    case Op::vsub_sat_s: return saturate(sa - sb, width, true);
    case Op::vsub_sat_u: return saturate(ua - ub, width, false);
    case Op::vmul: return ua * ub;
    case Op::vmulhi_s: return (sa * sb) >> width;
    case Op::vmulhi_u: return (ua * ub) >> width;
    case Op::vavg_u: return (ua + ub + 1) / 2;
    case Op::vmin_s: return sa < sb ? sa : sb;
    case Op::vmin_u: return ua < ub ? ua : ub;
    case Op::vmax_s: return sa > sb ? sa : sb;
    case Op::vmax_u: return ua > ub ? ua : ub;
    case Op::vabs: return sa < 0 ? -sa : sa;
    case Op::vcmp_eq: return ua == ub ? -1 : 0;
    case Op::vcmp_gt_s: return sa > sb ? -1 : 0;
    case Op::vshl: return count < width ? ua << count : 0;
    case Op::vshr: return count < width ? ua >> count : 0;
    case Op::vsar: return sa >> (count < width ? count : width - 1);
    case Op::vblend: return instr.imm >> i & 1 ? ub : ua;
    default: return std::nullopt;
  }
}

uint64_t byte_of_pair(const Datum& high, const Datum& low, int64_t i) {
  if (i < 0 || i > 31) return 0;
  return Vector(8, i < 16 ? low : high)[static_cast<unsigned>(i % 16)];
}

/// Lane number i of the result, whose lanes are as wide as those of `result`.
Wide lane_of(const ir::Instr& instr, const std::vector<Datum>& in, const Vector& result, unsigned i) {
  const unsigned lane = ir::lane_bits(instr.lane);
  const Datum none{};
  const Datum &x = in[0], &y = in.size() > 1 ? in[1] : none;
  const auto at = [](unsigned width, const Datum& datum, unsigned index, bool is_signed = false) {
    return Vector(width, datum).number(index, is_signed);
  };
  const auto imm = static_cast<unsigned>(instr.imm);
  const unsigned half = result.count() / 2;
  switch (instr.op) {
    case Op::vmul_even_u: return at(32, x, 2 * i) * at(32, y, 2 * i);
    case Op::vmul_even_s: return at(32, x, 2 * i, true) * at(32, y, 2 * i, true);
    case Op::vmadd: {
      const auto product = [&](unsigned k) { return at(16, x, k, true) * at(16, y, k, true); };
      return product(2 * i) + product(2 * i + 1);
    }
    case Op::vsad: {
      Wide sum = 0;
      for (unsigned k = 8 * i; k < 8 * i + 8; ++k) {
        const Wide difference = at(8, x, k) - at(8, y, k);
        sum += difference < 0 ? -difference : difference;
      }
      return sum;
    }
    case Op::vshl_bytes: return static_cast<Wide>(byte_of_pair({}, x, static_cast<int64_t>(i) - imm));
    case Op::vshr_bytes: return static_cast<Wide>(byte_of_pair({}, x, static_cast<int64_t>(i) + imm));
    case Op::valign: return static_cast<Wide>(byte_of_pair(x, y, static_cast<int64_t>(i) + imm));
    case Op::vshuffle: return at(32, x, imm >> 2 * i & 3);
    case Op::vshuffle_lo: return at(16, x, i < 4 ? imm >> 2 * i & 3 : i);
    case Op::vshuffle_hi: return at(16, x, i < 4 ? i : 4 + (imm >> 2 * (i - 4) & 3));
    case Op::vshuffle2:
      if (lane == 32) return at(32, i < 2 ? x : y, imm >> 2 * i & 3);
      return at(64, i < 1 ? x : y, imm >> i & 1);
    case Op::vlookup: return at(8, y, i) & 0x80 ? 0 : at(8, x, static_cast<unsigned>(at(8, y, i) & 15));
    case Op::vblend_mask: return at(lane, in[2], i, true) < 0 ? at(lane, y, i) : at(lane, x, i);
    case Op::vunpack_lo: return at(lane, i % 2 ? y : x, i / 2);
    case Op::vunpack_hi: return at(lane, i % 2 ? y : x, half + i / 2);
    case Op::vpack_s: return saturate(at(lane, i < half ? x : y, i % half, true), lane / 2, true);
    case Op::vpack_u: return saturate(at(lane, i < half ? x : y, i % half, true), lane / 2, false);
    case Op::vwiden_s: return at(lane, x, i, true);
    case Op::vwiden_u: return at(lane, x, i);
    case Op::vinsert: return i == imm ? static_cast<Wide>(y.lo) : at(lane, x, i);
    case Op::vzext: return i == 0 ? static_cast<Wide>(x.lo) : 0;
    case Op::vsplat: return static_cast<Wide>(x.lo);
    default: return *lanewise(instr, Vector(lane, x), Vector(lane, y), i);
  }
}

unsigned result_width(const ir::Instr& instr) {
  const unsigned lane = ir::lane_bits(instr.lane);
  switch (instr.op) {
    case Op::vmul_even_u:
    case Op::vmul_even_s:
    case Op::vsad:
    case Op::vzext: return 64;
    case Op::vmadd:
    case Op::vshuffle: return 32;
    case Op::vshl_bytes:
    case Op::vshr_bytes:
    case Op::valign:
    case Op::vlookup: return 8;
    case Op::vshuffle_lo:
    case Op::vshuffle_hi: return 16;
    case Op::vpack_s:
    case Op::vpack_u: return lane / 2;
    case Op::vwiden_s:
    case Op::vwiden_u: return lane * 2;
    default: return lane;
  }
}

/// `last`: the third operand.
Datum cryptographic(const ir::Instr& instr, const Datum& a, const Datum& b, const Datum& last) {
  namespace crypto = ir::crypto;
  switch (instr.op) {
    case Op::vaes_encrypt: return crypto::aes_encrypt(a, b);
    case Op::vaes_encrypt_last: return crypto::aes_encrypt_last(a, b);
    case Op::vaes_decrypt: return crypto::aes_decrypt(a, b);
    case Op::vaes_decrypt_last: return crypto::aes_decrypt_last(a, b);
    case Op::vaes_inverse_mix: return crypto::aes_inverse_mix(a);
    case Op::vaes_key_assist: return crypto::aes_key_assist(a, instr.imm);
    case Op::vmul_carryless: return crypto::carryless_multiply(a, b, instr.imm);
    case Op::vsha1_rounds: return crypto::sha1_rounds(a, b, instr.imm);
    case Op::vsha1_next: return crypto::sha1_next(a, b);
    case Op::vsha1_message_1: return crypto::sha1_message_1(a, b);
    case Op::vsha1_message_2: return crypto::sha1_message_2(a, b);
    case Op::vsha256_rounds: return crypto::sha256_rounds(a, b, last);
    case Op::vsha256_message_1: return crypto::sha256_message_1(a, b);
    default: return crypto::sha256_message_2(a, b);
  }
}

}  // namespace

Datum compute_vector(const ir::Instr& instr, ir::Type, const std::vector<Datum>& in) {
  const Datum &a = in[0], &b = in.size() > 1 ? in[1] : in[0];
  switch (instr.op) {
    case Op::vand: return {a.lo & b.lo, a.hi & b.hi};
    case Op::vor: return {a.lo | b.lo, a.hi | b.hi};
    case Op::vxor: return {a.lo ^ b.lo, a.hi ^ b.hi};
    case Op::vandn: return {~a.lo & b.lo, ~a.hi & b.hi};
    case Op::vextract: return {Vector(ir::lane_bits(instr.lane), a)[static_cast<unsigned>(instr.imm)], 0};
    case Op::vmask: {
      const Vector lanes(ir::lane_bits(instr.lane), a);
      Datum mask;
      for (unsigned i = 0; i < lanes.count(); ++i) mask.lo |= uint64_t{lanes.number(i, true) < 0} << i;
      return mask;
    }
    default: break;
  }
  if (instr.op >= Op::vaes_encrypt) return cryptographic(instr, a, b, in.back());
  Vector result(result_width(instr));
  for (unsigned i = 0; i < result.count(); ++i) result.put(i, lane_of(instr, in, result, i));
  return result.value;
}

#if defined(__x86_64__)
namespace {

using Intrinsic = __m128i (*)(__m128i, __m128i);

struct Row {
  Op op;
  ir::Lane lane;
  Intrinsic intrinsic;
};

#define ROW(op, lane, name)                                                 \
  Row {                                                                     \
    Op::op, ir::Lane::lane, [](__m128i a, __m128i b) { return name(a, b); } \
  }
// clang-format off
const Row rows[] = {
    ROW(vadd_sat_s, i8, _mm_adds_epi8),    ROW(vadd_sat_u, i16, _mm_adds_epu16), ROW(vsub_sat_s, i16, _mm_subs_epi16),
    ROW(vsub_sat_u, i8, _mm_subs_epu8),    ROW(vmul, i16, _mm_mullo_epi16),      ROW(vmulhi_s, i16, _mm_mulhi_epi16),
    ROW(vmulhi_u, i16, _mm_mulhi_epu16),   ROW(vmul_even_u, i32, _mm_mul_epu32), ROW(vmadd, i16, _mm_madd_epi16),
    ROW(vsad, i8, _mm_sad_epu8),           ROW(vavg_u, i8, _mm_avg_epu8),        ROW(vavg_u, i16, _mm_avg_epu16),
    ROW(vmin_s, i16, _mm_min_epi16),       ROW(vmax_u, i8, _mm_max_epu8),        ROW(vcmp_eq, i32, _mm_cmpeq_epi32),
    ROW(vcmp_gt_s, i8, _mm_cmpgt_epi8),    ROW(vandn, none, _mm_andnot_si128),   ROW(vunpack_lo, i8, _mm_unpacklo_epi8),
    ROW(vunpack_hi, i32, _mm_unpackhi_epi32), ROW(vpack_s, i32, _mm_packs_epi32), ROW(vpack_s, i16, _mm_packs_epi16),
    ROW(vpack_u, i16, _mm_packus_epi16),   ROW(vshl, i32, _mm_sll_epi32),        ROW(vsar, i16, _mm_sra_epi16),
};
// clang-format on

#undef ROW

TEST(VectorModel, AgreesWithTheProcessor) {
  std::mt19937_64 random(7);
  for (const Row& row : rows) {
    for (unsigned round = 0; round < 200; ++round) {
      const Datum a{edgy(random), edgy(random)};
      Datum b{edgy(random), edgy(random)};
      if (row.op == Op::vshl || row.op == Op::vsar) b.lo = random() % 40;
      const ir::Instr instr{.op = row.op, .type = ir::Type::v128, .lane = row.lane};
      const __m128i result = row.intrinsic(_mm_set_epi64x(static_cast<int64_t>(a.hi), static_cast<int64_t>(a.lo)),
                                           _mm_set_epi64x(static_cast<int64_t>(b.hi), static_cast<int64_t>(b.lo)));
      Datum expected;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(&expected), result);
      ASSERT_EQ(compute_vector(instr, ir::Type::v128, {a, b}), expected) << ir::name(row.op);
    }
  }
}

}  // namespace
#endif

}  // namespace strata::codegen::interp

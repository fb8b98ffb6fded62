// ROUNDPS and its kin on the bits of a float, and the processor's approximations of 1/x and 1/sqrt(x).
#include <bit>
#include <cmath>
#include <cstring>

#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/helpers/sse.h"
#include "isa/x86/host_float.h"

namespace strata::isa::x86::helpers {
namespace {

constexpr uint32_t invalid = 1, inexact = 32, denormals_are_zero = 1u << 6;

enum Rounding : uint8_t { nearest, down, up, towards_zero };

/// How an instruction rounds: its immediate, with what that leaves to MXCSR.
struct Manner {
  Manner(uint64_t imm, uint32_t mxcsr)
      : rounding(static_cast<Rounding>((imm & 4 ? mxcsr >> 13 : imm) & 3)),
        quiet(imm & 8),
        denormals_as_zero(mxcsr & denormals_are_zero) {}

  Rounding rounding;
  bool quiet;  ///< inexact results raise nothing
  bool denormals_as_zero;
};

/// Whether a magnitude is rounded away from zero that has this fraction, in units of which one half is `half`.
bool goes_up(Rounding rounding, bool negative, uint64_t fraction, uint64_t half, bool odd) {
  switch (rounding) {
    case nearest: return fraction > half || (fraction == half && odd);
    case down: return negative;
    case up: return !negative;
    default: return false;
  }
}

/// Rounds the float whose bits these are to an integer; adds to the flags.
template <class Word, unsigned MantissaBits>
Word round_to_integer(Word value, const Manner& manner, uint32_t& flags) {
  constexpr unsigned width = sizeof(Word) * 8, exponent_bits = width - 1 - MantissaBits;
  constexpr int bias = (1 << (exponent_bits - 1)) - 1, special = 2 * bias + 1;
  constexpr Word one = Word{1}, hidden = one << MantissaBits, sign_bit = one << (width - 1);
  const Word sign = value & sign_bit, mantissa = value & (hidden - 1);
  const int biased = static_cast<int>((value & ~sign_bit) >> MantissaBits), exponent = biased - bias;
  if (biased == special) {
    constexpr Word quiet_bit = hidden >> 1;
    if (mantissa != 0 && !(mantissa & quiet_bit)) flags |= invalid;
    return mantissa != 0 ? value | quiet_bit : value;
  }
  if (exponent >= static_cast<int>(MantissaBits)) return value;
  if (biased == 0 && (mantissa == 0 || manner.denormals_as_zero)) return sign;
  if (!manner.quiet && (exponent < 0 || mantissa & ((hidden >> exponent) - 1))) flags |= inexact;
  if (exponent < 0) {
    constexpr Word one_half = static_cast<Word>(bias - 1) << MantissaBits, one_whole = static_cast<Word>(bias)
                                                                                       << MantissaBits;
    return sign | (goes_up(manner.rounding, sign != 0, value & ~sign_bit, one_half, false) ? one_whole : 0);
  }
  const unsigned fraction_bits = MantissaBits - static_cast<unsigned>(exponent);
  const Word unit = one << fraction_bits, fraction = value & (unit - 1);
  if (fraction == 0) return value;
  const bool odd = (mantissa | hidden) >> fraction_bits & 1;
  return (value - fraction) + (goes_up(manner.rounding, sign != 0, fraction, unit / 2, odd) ? unit : 0);
}

template <class Word, unsigned MantissaBits>
uint64_t round_lanes(ir::ExecContext& context, ir::Vec128* result, const ir::Vec128* operand, uint64_t imm) {
  constexpr unsigned count = 16 / sizeof(Word);
  const Manner manner(imm, Cpu::of(context).state.mxcsr);
  Word lanes[count];
  std::memcpy(lanes, operand, sizeof lanes);
  uint32_t flags = 0;
  for (Word& lane : lanes) lane = round_to_integer<Word, MantissaBits>(lane, manner, flags);
  if (flags) host_float::add_flags(flags);
  std::memcpy(result, lanes, sizeof lanes);
  return 0;
}

#if defined(__SSE2__)
__m128 rcp_lanes(__m128 v) { return _mm_rcp_ps(v); }
__m128 rsqrt_lanes(__m128 v) { return _mm_rsqrt_ps(v); }

template <__m128 (*Function)(__m128)>
uint64_t approximate(ir::ExecContext&, ir::Vec128* result, const ir::Vec128* operand) {
  const __m128 value = Function(_mm_load_ps(reinterpret_cast<const float*>(operand)));
  _mm_store_ps(reinterpret_cast<float*>(result), value);
  return 0;
}
#else
float rcp_lanes(float x) { return 1 / x; }
float rsqrt_lanes(float x) { return 1 / std::sqrt(x); }

/// More exact than any x86 processor, whose approximations differ anyway.
template <float (*Function)(float)>
uint64_t approximate(ir::ExecContext&, ir::Vec128* result, const ir::Vec128* operand) {
  float lanes[4];
  std::memcpy(lanes, operand, sizeof lanes);
  for (float& lane : lanes) lane = Function(lane);
  std::memcpy(result, lanes, sizeof lanes);
  return 0;
}
#endif

using enum ir::Type;
using ir::HelperEffect;

}  // namespace

const ir::Helper rcp = define_helper("rcp", approximate<rcp_lanes>, v128, {v128}, HelperEffect::pure);
const ir::Helper rsqrt = define_helper("rsqrt", approximate<rsqrt_lanes>, v128, {v128}, HelperEffect::pure);
const ir::Helper round_single =
    define_helper("round_single", round_lanes<uint32_t, 23>, v128, {v128, i8}, HelperEffect::reads_state);
const ir::Helper round_double =
    define_helper("round_double", round_lanes<uint64_t, 52>, v128, {v128, i8}, HelperEffect::reads_state);

}  // namespace strata::isa::x86::helpers

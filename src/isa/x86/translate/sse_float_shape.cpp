// Floating-point instructions across lanes: shuffles, horizontal sums, dot products; and bitwise logic.
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

/// SHUFPS, SHUFPD.
void shuffle(Translator& t, const Row& row) {
  const uint64_t selection = t.insn.immediate & (row.lane == Lane::i64 ? 3 : 0xff);
  const Value b = source(t);
  set_destination(t, vector(t, Op::vshuffle2, row.lane, destination(t), b, selection));
}

/// The even or the odd lanes of a, with those of b above them.
Value every_second(Translator& t, Lane lane, Value a, Value b, bool odd) {
  const uint64_t selection = lane == Lane::f64 ? (odd ? 3 : 0) : (odd ? 0xdd : 0x88);
  return vector(t, Op::vshuffle2, lane, a, b, selection);
}

/// HADDPS, HADDPD, HSUBPS, HSUBPD.
void horizontal(Translator& t, const Row& row) {
  const Value b = source(t), a = destination(t);
  FloatScope scope(t);
  const Value result = vector_op(t, row, every_second(t, row.lane, a, b, false), every_second(t, row.lane, a, b, true));
  scope.end({result}, row.lane);
  set_destination(t, result);
}

/// ADDSUBPS, ADDSUBPD: even lanes subtracted, odd ones added. No lane goes through the other operation, for that could
/// raise what the instruction does not.
void addsub(Translator& t, const Row& row) {
  const Value b = source(t), a = destination(t);
  const auto half = [&](Op op, bool odd) {
    return vector(t, op, row.lane, every_second(t, row.lane, a, a, odd), every_second(t, row.lane, b, b, odd));
  };
  FloatScope scope(t);
  const Value differences = half(Op::vfsub, false), sums = half(Op::vfadd, true);
  scope.end({differences, sums}, row.lane);
  set_destination(t, vector(t, Op::vunpack_lo, row.lane == Lane::f64 ? Lane::i64 : Lane::i32, differences, sums));
}

/// All ones in those lanes whose bit is set.
Value lane_mask(Translator& t, Lane lane, uint64_t lanes) {
  const unsigned width = ir::lane_bits(lane), count = 64 / width;
  const auto half = [&](uint64_t bits) {
    uint64_t mask = 0;
    for (unsigned i = 0; i < count; ++i)
      if (bits >> i & 1) mask |= (~uint64_t{0} >> (64 - width)) << (i * width);
    return mask;
  };
  return t.b.vconstant({half(lanes), half(lanes >> count)});
}

/// The sum of all lanes in lane 0: neighbours first, then, of four, the two sums (SDM vol. 2, DPPS).
Value sum_of_lanes(Translator& t, Lane lane, Value products) {
  const auto add = [&](Value a, Value b) { return t.b.emit(Op::fadd, ir::lane_type(lane), {a, b}); };
  const auto product = [&](unsigned i) { return extract(t, products, lane, i); };
  FloatScope pairs(t);
  const Value low = add(product(0), product(1));
  if (lane == Lane::f64) return pairs.end({low}, lane), low;
  const Value high = add(product(2), product(3));
  pairs.end({low, high}, lane);
  FloatScope whole(t);
  const Value sum = add(low, high);
  whole.end({sum}, lane);
  return sum;
}

/// DPPS, DPPD. Lanes that do not take part count as +0. Each step raises its own exceptions before the next one.
void dot_product(Translator& t, const Row& row) {
  const Value b = source(t), a = destination(t);
  const auto imm = static_cast<uint64_t>(t.insn.immediate);
  const Value taken = lane_mask(t, row.lane, imm >> 4);
  const auto only_taken = [&](Value value) { return vector(t, Op::vand, Lane::none, value, taken); };
  FloatScope scope(t);
  const Value products = vector(t, Op::vfmul, row.lane, only_taken(a), only_taken(b));
  scope.end({products}, row.lane);
  const Value everywhere = vector(t, Op::vsplat, row.lane, sum_of_lanes(t, row.lane, products));
  set_destination(t, vector(t, Op::vand, Lane::none, everywhere, lane_mask(t, row.lane, imm)));
}

// clang-format off
constexpr Map map_0f = Map::map_0f, map_0f3a = Map::map_0f3a;
constexpr Row rows[] = {
    {map_0f, 0x54, np | p66, emit_binary, Op::vand},
    {map_0f, 0x55, np | p66, emit_binary, Op::vandn},
    {map_0f, 0x56, np | p66, emit_binary, Op::vor},
    {map_0f, 0x57, np | p66, emit_binary, Op::vxor},
    {map_0f, 0x14, np, emit_binary, Op::vunpack_lo, Lane::i32},   // UNPCKLPS
    {map_0f, 0x14, p66, emit_binary, Op::vunpack_lo, Lane::i64},  // UNPCKLPD
    {map_0f, 0x15, np, emit_binary, Op::vunpack_hi, Lane::i32},
    {map_0f, 0x15, p66, emit_binary, Op::vunpack_hi, Lane::i64},
    {map_0f, 0xc6, np, shuffle, Op::nop, Lane::i32},
    {map_0f, 0xc6, p66, shuffle, Op::nop, Lane::i64},
    {map_0f, 0x7c, p66, horizontal, Op::vfadd, Lane::f64},
    {map_0f, 0x7c, pf2, horizontal, Op::vfadd, Lane::f32},
    {map_0f, 0x7d, p66, horizontal, Op::vfsub, Lane::f64},
    {map_0f, 0x7d, pf2, horizontal, Op::vfsub, Lane::f32},
    {map_0f, 0xd0, p66, addsub, Op::nop, Lane::f64},
    {map_0f, 0xd0, pf2, addsub, Op::nop, Lane::f32},
    {map_0f3a, 0x40, p66, dot_product, Op::nop, Lane::f32},
    {map_0f3a, 0x41, p66, dot_product, Op::nop, Lane::f64},
};
// clang-format on

}  // namespace

std::span<const Row> float_shape_rows() { return rows; }

}  // namespace strata::isa::x86::sse

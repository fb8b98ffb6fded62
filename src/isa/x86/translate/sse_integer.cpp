// Packed integer arithmetic, comparison, logic, shifts and packing.
#include "isa/x86/helpers/sse.h"
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

/// PACKSSWB, PACKSSDW, PACKUSWB, PACKUSDW.
void pack(Translator& t, const Row& row) {
  const auto [a, b] = narrowed_operands(t);
  set_destination(t, vector_op(t, row, a, b));
}

/// PUNPCKL.., PUNPCKH..: of two MMX operands the high halves interleaved stand above the low ones.
void unpack(Translator& t, const Row& row) {
  if (!is_mmx(t)) return emit_binary(t, row);
  const bool high = row.op == Op::vunpack_hi;
  const Value b = high ? source(t) : source_low(t, 4);
  const Value all = vector(t, Op::vunpack_lo, row.lane, destination(t), b);
  set_destination(t, high ? vector(t, Op::vshr_bytes, Lane::none, all, ir::no_value, 8) : all);
}

/// By the count in the source's low 64 bits.
void shift(Translator& t, const Row& row) {
  const Value count = extract(t, source(t), Lane::i64, 0);
  set_destination(t, vector_op(t, row, destination(t), count));
}

/// Groups 12 to 14: ModRM.reg says how, row.lane what is shifted; ModRM.rm is the register.
void shift_immediate(Translator& t, const Row& row) {
  const uint64_t count = static_cast<uint8_t>(t.insn.immediate);
  const auto lanes = [&](Op op) { set_source_register(t, vector(t, op, row.lane, source(t), t.b.i64(count))); };
  const auto bytes = [&](Op op) { set_source_register(t, vector(t, op, Lane::none, source(t), ir::no_value, count)); };
  const bool quadwords = row.lane == Lane::i64;
  switch (t.insn.reg) {
    case 2: return lanes(Op::vshr);
    case 3: return quadwords ? bytes(Op::vshr_bytes) : t.invalid();  // PSRLDQ
    case 4: return quadwords ? t.invalid() : lanes(Op::vsar);
    case 6: return lanes(Op::vshl);
    case 7: return quadwords ? bytes(Op::vshl_bytes) : t.invalid();  // PSLLDQ
    default: return t.invalid();
  }
}

/// The even or odd words of a, with those of b above them.
Value every_second_word(Translator& t, Value a, Value b, bool odd) {
  const Value places = t.b.vconstant({odd ? 0x0f0e0b0a07060302u : 0x0d0c090805040100u, 0x8080808080808080});
  return vector(t, Op::vunpack_lo, Lane::i64, vector(t, Op::vlookup, Lane::none, a, places),
                vector(t, Op::vlookup, Lane::none, b, places));
}

/// PHADDW, PHADDSW, PHSUBW, PHSUBSW.
void horizontal_words(Translator& t, const Row& row) {
  const auto [a, b] = narrowed_operands(t);
  set_destination(t, vector_op(t, row, every_second_word(t, a, b, false), every_second_word(t, a, b, true)));
}

/// PHADDD, PHSUBD.
void horizontal_doublewords(Translator& t, const Row& row) {
  const auto [a, b] = narrowed_operands(t);
  set_destination(t, vector_op(t, row, vector(t, Op::vshuffle2, Lane::i32, a, b, 0x88),
                               vector(t, Op::vshuffle2, Lane::i32, a, b, 0xdd)));
}

/// PSIGNB, PSIGNW, PSIGND: destination times the sign of source.
void psign(Translator& t, const Row& row) {
  const Value signs = source(t), zero = t.b.vconstant({});
  const Value negative = vector(t, Op::vcmp_gt_s, row.lane, zero, signs);
  const Value flipped = vector(t, Op::vxor, Lane::none, destination(t), negative);
  const Value product = vector(t, Op::vsub, row.lane, flipped, negative);
  set_destination(t, vector(t, Op::vandn, Lane::none, vector(t, Op::vcmp_eq, row.lane, signs, zero), product));
}

/// Unsigned bytes of the destination times signed bytes of the source, neighbours added with saturation.
void pmaddubsw(Translator& t, const Row&) {
  const Value b = source(t), a = destination(t), eight = t.b.i64(8);
  const auto words = [&](Op op, Value value) { return vector(t, op, Lane::i16, value, eight); };
  const Value even_b = words(Op::vsar, words(Op::vshl, b)), odd_b = words(Op::vsar, b);
  const Value even_a = vector(t, Op::vand, Lane::none, a, t.b.vconstant({0x00ff00ff00ff00ff, 0x00ff00ff00ff00ff}));
  const Value odd_a = words(Op::vshr, a);
  set_destination(t, vector(t, Op::vadd_sat_s, Lane::i16, vector(t, Op::vmul, Lane::i16, even_a, even_b),
                            vector(t, Op::vmul, Lane::i16, odd_a, odd_b)));
}

/// (a * b + 0x4000) >> 15, put together from the product's halves: bits 15 and up, and bit 14 to round.
void pmulhrsw(Translator& t, const Row&) {
  const Value b = source(t), a = destination(t);
  const auto words = [&](Op op, Value x, Value y) { return vector(t, op, Lane::i16, x, y); };
  const Value low = words(Op::vmul, a, b), high = words(Op::vmulhi_s, a, b);
  const Value whole = words(Op::vor, words(Op::vshl, high, t.b.i64(1)), words(Op::vshr, low, t.b.i64(15)));
  const Value ones = t.b.vconstant({0x0001000100010001, 0x0001000100010001});
  const Value half = words(Op::vand, words(Op::vshr, low, t.b.i64(14)), ones);
  set_destination(t, words(Op::vadd, whole, half));
}

/// ZF: no common bit. CF: none of the source outside the destination.
void ptest(Translator& t, const Row&) {
  const Value b = source(t), a = destination(t);
  const auto is_zero = [&](Value value) {
    const Value both = t.b.or_(extract(t, value, Lane::i64, 0), extract(t, value, Lane::i64, 1));
    return t.b.zext(Type::i32, t.b.eq(both, t.b.i64(0)));
  };
  const Value zero = is_zero(vector(t, Op::vand, Lane::none, a, b));
  const Value carry = is_zero(vector(t, Op::vandn, Lane::none, a, b));
  t.set_flags(t.b.or_(t.b.shl(zero, t.b.i8(6)), carry));
}

void mpsadbw(Translator& t, const Row&) {
  const Value b = source(t);
  set_destination(t, t.call(helpers::mpsadbw, {destination(t), b, t.immediate(8)}));
}

void phminposuw(Translator& t, const Row&) { set_destination(t, t.call(helpers::phminposuw, {source(t)})); }

// clang-format off
constexpr Map map_0f = Map::map_0f, map_0f38 = Map::map_0f38, map_0f3a = Map::map_0f3a;
constexpr Lane i8 = Lane::i8, i16 = Lane::i16, i32 = Lane::i32, i64 = Lane::i64;
constexpr Row rows[] = {
    {map_0f, 0x60, mm | p66, unpack, Op::vunpack_lo, i8},  {map_0f, 0x68, mm | p66, unpack, Op::vunpack_hi, i8},
    {map_0f, 0x61, mm | p66, unpack, Op::vunpack_lo, i16}, {map_0f, 0x69, mm | p66, unpack, Op::vunpack_hi, i16},
    {map_0f, 0x62, mm | p66, unpack, Op::vunpack_lo, i32}, {map_0f, 0x6a, mm | p66, unpack, Op::vunpack_hi, i32},
    {map_0f, 0x6c, p66, emit_binary, Op::vunpack_lo, i64}, {map_0f, 0x6d, p66, emit_binary, Op::vunpack_hi, i64},
    {map_0f, 0x63, mm | p66, pack, Op::vpack_s, i16},    {map_0f, 0x6b, mm | p66, pack, Op::vpack_s, i32},
    {map_0f, 0x67, mm | p66, pack, Op::vpack_u, i16},    {map_0f38, 0x2b, p66, pack, Op::vpack_u, i32},

    {map_0f, 0x64, mm | p66, emit_binary, Op::vcmp_gt_s, i8},   {map_0f, 0x74, mm | p66, emit_binary, Op::vcmp_eq, i8},
    {map_0f, 0x65, mm | p66, emit_binary, Op::vcmp_gt_s, i16},  {map_0f, 0x75, mm | p66, emit_binary, Op::vcmp_eq, i16},
    {map_0f, 0x66, mm | p66, emit_binary, Op::vcmp_gt_s, i32},  {map_0f, 0x76, mm | p66, emit_binary, Op::vcmp_eq, i32},
    {map_0f38, 0x37, p66, emit_binary, Op::vcmp_gt_s, i64}, {map_0f38, 0x29, p66, emit_binary, Op::vcmp_eq, i64},

    {map_0f, 0xfc, mm | p66, emit_binary, Op::vadd, i8},        {map_0f, 0xf8, mm | p66, emit_binary, Op::vsub, i8},
    {map_0f, 0xfd, mm | p66, emit_binary, Op::vadd, i16},       {map_0f, 0xf9, mm | p66, emit_binary, Op::vsub, i16},
    {map_0f, 0xfe, mm | p66, emit_binary, Op::vadd, i32},       {map_0f, 0xfa, mm | p66, emit_binary, Op::vsub, i32},
    {map_0f, 0xd4, mm | p66, emit_binary, Op::vadd, i64},       {map_0f, 0xfb, mm | p66, emit_binary, Op::vsub, i64},
    {map_0f, 0xec, mm | p66, emit_binary, Op::vadd_sat_s, i8},  {map_0f, 0xe8, mm | p66, emit_binary, Op::vsub_sat_s, i8},
    {map_0f, 0xed, mm | p66, emit_binary, Op::vadd_sat_s, i16}, {map_0f, 0xe9, mm | p66, emit_binary, Op::vsub_sat_s, i16},
    {map_0f, 0xdc, mm | p66, emit_binary, Op::vadd_sat_u, i8},  {map_0f, 0xd8, mm | p66, emit_binary, Op::vsub_sat_u, i8},
    {map_0f, 0xdd, mm | p66, emit_binary, Op::vadd_sat_u, i16}, {map_0f, 0xd9, mm | p66, emit_binary, Op::vsub_sat_u, i16},

    {map_0f, 0xd5, mm | p66, emit_binary, Op::vmul, i16},       {map_0f38, 0x40, p66, emit_binary, Op::vmul, i32},
    {map_0f, 0xe5, mm | p66, emit_binary, Op::vmulhi_s, i16},   {map_0f, 0xe4, mm | p66, emit_binary, Op::vmulhi_u, i16},
    {map_0f, 0xf4, mm | p66, emit_binary, Op::vmul_even_u},     {map_0f38, 0x28, p66, emit_binary, Op::vmul_even_s},
    {map_0f, 0xf5, mm | p66, emit_binary, Op::vmadd},           {map_0f, 0xf6, mm | p66, emit_binary, Op::vsad},
    {map_0f, 0xe0, mm | p66, emit_binary, Op::vavg_u, i8},      {map_0f, 0xe3, mm | p66, emit_binary, Op::vavg_u, i16},
    {map_0f38, 0x04, mm | p66, pmaddubsw},                      {map_0f38, 0x0b, mm | p66, pmulhrsw},

    {map_0f38, 0x38, p66, emit_binary, Op::vmin_s, i8},    {map_0f38, 0x3c, p66, emit_binary, Op::vmax_s, i8},
    {map_0f, 0xea, mm | p66, emit_binary, Op::vmin_s, i16},     {map_0f, 0xee, mm | p66, emit_binary, Op::vmax_s, i16},
    {map_0f38, 0x39, p66, emit_binary, Op::vmin_s, i32},   {map_0f38, 0x3d, p66, emit_binary, Op::vmax_s, i32},
    {map_0f, 0xda, mm | p66, emit_binary, Op::vmin_u, i8},      {map_0f, 0xde, mm | p66, emit_binary, Op::vmax_u, i8},
    {map_0f38, 0x3a, p66, emit_binary, Op::vmin_u, i16},   {map_0f38, 0x3e, p66, emit_binary, Op::vmax_u, i16},
    {map_0f38, 0x3b, p66, emit_binary, Op::vmin_u, i32},   {map_0f38, 0x3f, p66, emit_binary, Op::vmax_u, i32},
    {map_0f38, 0x1c, mm | p66, emit_unary, Op::vabs, i8},       {map_0f38, 0x1d, mm | p66, emit_unary, Op::vabs, i16},
    {map_0f38, 0x1e, mm | p66, emit_unary, Op::vabs, i32},
    {map_0f38, 0x08, mm | p66, psign, Op::nop, i8},             {map_0f38, 0x09, mm | p66, psign, Op::nop, i16},
    {map_0f38, 0x0a, mm | p66, psign, Op::nop, i32},

    {map_0f, 0xdb, mm | p66, emit_binary, Op::vand},            {map_0f, 0xdf, mm | p66, emit_binary, Op::vandn},
    {map_0f, 0xeb, mm | p66, emit_binary, Op::vor},             {map_0f, 0xef, mm | p66, emit_binary, Op::vxor},
    {map_0f38, 0x17, p66, ptest},

    {map_0f, 0xd1, mm | p66, shift, Op::vshr, i16},             {map_0f, 0xe1, mm | p66, shift, Op::vsar, i16},
    {map_0f, 0xd2, mm | p66, shift, Op::vshr, i32},             {map_0f, 0xe2, mm | p66, shift, Op::vsar, i32},
    {map_0f, 0xd3, mm | p66, shift, Op::vshr, i64},             {map_0f, 0xf1, mm | p66, shift, Op::vshl, i16},
    {map_0f, 0xf2, mm | p66, shift, Op::vshl, i32},             {map_0f, 0xf3, mm | p66, shift, Op::vshl, i64},
    {.map = map_0f, .opcode = 0x71, .prefixes = mm | p66, .emit = shift_immediate, .lane = i16, .form = Form::registers},
    {.map = map_0f, .opcode = 0x72, .prefixes = mm | p66, .emit = shift_immediate, .lane = i32, .form = Form::registers},
    {.map = map_0f, .opcode = 0x73, .prefixes = mm | p66, .emit = shift_immediate, .lane = i64, .form = Form::registers},

    {map_0f38, 0x01, mm | p66, horizontal_words, Op::vadd, i16},        // PHADDW
    {map_0f38, 0x03, mm | p66, horizontal_words, Op::vadd_sat_s, i16},
    {map_0f38, 0x05, mm | p66, horizontal_words, Op::vsub, i16},
    {map_0f38, 0x07, mm | p66, horizontal_words, Op::vsub_sat_s, i16},
    {map_0f38, 0x02, mm | p66, horizontal_doublewords, Op::vadd, i32},
    {map_0f38, 0x06, mm | p66, horizontal_doublewords, Op::vsub, i32},
    {map_0f38, 0x41, p66, phminposuw},                     {map_0f3a, 0x42, p66, mpsadbw},
};
// clang-format on

}  // namespace

std::span<const Row> integer_rows() { return rows; }

}  // namespace strata::isa::x86::sse

// Conversions between integers and floats of both widths.
#include <algorithm>

#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

/// One number from lane type to lane type; row.imm 1 makes integers by truncation.
Value convert(Translator& t, const Row& row, Value number) {
  return t.b.emit(row.op, ir::lane_type(row.to), {number}, row.imm);
}

/// Only a narrowing of floats can underflow.
void end(FloatScope& scope, const Row& row, Value result) {
  if (row.op == Op::fconvert && row.to == Lane::f32) return scope.end({result}, Lane::f32);
  scope.end();
}

/// As many lanes as the wider type has, from row.lane to row.to; zeros above them.
void convert_packed(Translator& t, const Row& row) {
  const unsigned from = ir::lane_bits(row.lane), to = ir::lane_bits(row.to);
  const unsigned count = 128 / std::max(from, to);
  const Value operand = source_low(t, count * from / 8);
  FloatScope scope(t);
  Value result = zext_lane(t, convert(t, row, extract(t, operand, row.lane, 0)));
  for (unsigned i = 1; i < count; ++i)
    result = insert(t, result, row.to, i, convert(t, row, extract(t, operand, row.lane, i)));
  end(scope, row, result);
  set_destination(t, result);
}

/// CVTSS2SD, CVTSD2SS.
void convert_scalar(Translator& t, const Row& row) {
  const Value operand = source_scalar(t, row.lane);
  FloatScope scope(t);
  const Value result = convert(t, row, operand);
  end(scope, row, result);
  set_destination(t, insert(t, destination(t), row.to, 0, result));
}

/// CVTSI2SS, CVTSI2SD.
void convert_from_general(Translator& t, const Row& row) {
  const Value operand = t.load_rm(t.insn.rex_w ? 64 : 32);
  FloatScope scope(t);
  const Value result = convert(t, row, operand);
  scope.end();
  set_destination(t, insert(t, destination(t), row.to, 0, result));
}

/// CVTSS2SI, CVTSD2SI, CVTTSS2SI, CVTTSD2SI.
void convert_to_general(Translator& t, const Row& row) {
  const Value operand = source_scalar(t, row.lane);
  FloatScope scope(t);
  const Value result = t.b.emit(row.op, t.insn.rex_w ? Type::i64 : Type::i32, {operand}, row.imm);
  scope.end();
  t.set_gpr(t.insn.reg_number(), result);
}

// clang-format off
constexpr Map map_0f = Map::map_0f;
constexpr Lane i32 = Lane::i32, f32 = Lane::f32, f64 = Lane::f64;
constexpr uint8_t truncate = 1;
constexpr Row rows[] = {
    {map_0f, 0x5a, np, convert_packed, Op::fconvert, f32, f64},                // CVTPS2PD
    {map_0f, 0x5a, p66, convert_packed, Op::fconvert, f64, f32},               // CVTPD2PS
    {map_0f, 0x5a, pf3, convert_scalar, Op::fconvert, f32, f64},               // CVTSS2SD
    {map_0f, 0x5a, pf2, convert_scalar, Op::fconvert, f64, f32},               // CVTSD2SS
    {map_0f, 0x5b, np, convert_packed, Op::int_to_float, i32, f32},            // CVTDQ2PS
    {map_0f, 0x5b, p66, convert_packed, Op::float_to_int, f32, i32},           // CVTPS2DQ
    {map_0f, 0x5b, pf3, convert_packed, Op::float_to_int, f32, i32, truncate}, // CVTTPS2DQ
    {map_0f, 0xe6, pf3, convert_packed, Op::int_to_float, i32, f64},           // CVTDQ2PD
    {map_0f, 0xe6, pf2, convert_packed, Op::float_to_int, f64, i32},           // CVTPD2DQ
    {map_0f, 0xe6, p66, convert_packed, Op::float_to_int, f64, i32, truncate}, // CVTTPD2DQ
    {map_0f, 0x2a, pf3, convert_from_general, Op::int_to_float, i32, f32},     // CVTSI2SS
    {map_0f, 0x2a, pf2, convert_from_general, Op::int_to_float, i32, f64},     // CVTSI2SD
    {map_0f, 0x2d, pf3, convert_to_general, Op::float_to_int, f32, i32},       // CVTSS2SI
    {map_0f, 0x2d, pf2, convert_to_general, Op::float_to_int, f64, i32},       // CVTSD2SI
    {map_0f, 0x2c, pf3, convert_to_general, Op::float_to_int, f32, i32, truncate},  // CVTTSS2SI
    {map_0f, 0x2c, pf2, convert_to_general, Op::float_to_int, f64, i32, truncate},  // CVTTSD2SI
};
// clang-format on

}  // namespace

std::span<const Row> convert_rows() { return rows; }

}  // namespace strata::isa::x86::sse

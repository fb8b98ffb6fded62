// Conversions and moves between XMM and MMX registers.
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

/// CVTPI2PS, CVTPI2PD: two integers, from memory or an MMX register. Only the latter makes the x87 stack MMX registers.
void convert_from_mmx(Translator& t, const Row& row) {
  const bool from_register = t.insn.is_register_form();
  if (from_register) begin_mmx(t);
  const Value both = from_register ? mmx_register(t, t.insn.rm) : t.load(Type::i64, t.memory_address(8));
  const Value operand = zext_lane(t, both);
  const auto converted = [&](unsigned i) {
    return t.b.emit(row.op, ir::lane_type(row.to), {extract(t, operand, Lane::i32, i)});
  };
  FloatScope scope(t);
  const Value first = converted(0), second = converted(1);
  scope.end();
  set_destination(t, insert(t, insert(t, destination(t), row.to, 0, first), row.to, 1, second));
}

/// CVTPS2PI, CVTPD2PI; row.imm 1: CVTTPS2PI, CVTTPD2PI. #MF comes before faults of the memory operand, the change to MMX
/// registers behind those, but before #XM (as measured).
void convert_to_mmx(Translator& t, const Row& row) {
  if (!t.insn.is_register_form()) check_mmx(t);
  const Value operand = source_low(t, 2 * ir::lane_bits(row.lane) / 8);
  begin_mmx(t);
  const auto converted = [&](unsigned i) {
    return t.b.zext(Type::i64, t.b.emit(row.op, Type::i32, {extract(t, operand, row.lane, i)}, row.imm));
  };
  FloatScope scope(t);
  const Value first = converted(0), second = converted(1);
  scope.end();
  const Value both = t.b.or_(first, t.b.shl(second, t.b.i8(32)));
  set_mmx_register(t, t.insn.reg, both);
}

void movq2dq(Translator& t, const Row&) {
  begin_mmx(t);
  set_destination(t, zext_lane(t, mmx_register(t, t.insn.rm)));
}

void movdq2q(Translator& t, const Row&) {
  begin_mmx(t);
  set_mmx_register(t, t.insn.reg, extract(t, source(t), Lane::i64, 0));
}

// clang-format off
constexpr Map map_0f = Map::map_0f;
constexpr Lane i32 = Lane::i32, f32 = Lane::f32, f64 = Lane::f64;
constexpr uint8_t truncate = 1;
constexpr Row rows[] = {
    {map_0f, 0x2a, np, convert_from_mmx, Op::int_to_float, i32, f32},
    {map_0f, 0x2a, p66, convert_from_mmx, Op::int_to_float, i32, f64},
    {map_0f, 0x2c, np, convert_to_mmx, Op::float_to_int, f32, i32, truncate},
    {map_0f, 0x2c, p66, convert_to_mmx, Op::float_to_int, f64, i32, truncate},
    {map_0f, 0x2d, np, convert_to_mmx, Op::float_to_int, f32, i32},
    {map_0f, 0x2d, p66, convert_to_mmx, Op::float_to_int, f64, i32},
    {.map = map_0f, .opcode = 0xd6, .prefixes = pf3, .emit = movq2dq, .form = Form::registers},
    {.map = map_0f, .opcode = 0xd6, .prefixes = pf2, .emit = movdq2q, .form = Form::registers},
};
// clang-format on

}  // namespace

std::span<const Row> mmx_rows() { return rows; }

}  // namespace strata::isa::x86::sse

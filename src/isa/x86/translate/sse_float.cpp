// Floating-point arithmetic, comparison and rounding, packed and scalar.
#include "isa/x86/helpers/sse.h"
#include "isa/x86/translate/sse.h"

namespace strata::isa::x86::sse {
namespace {

/// The scalar operation that does in one lane what a vector operation does in each.
Op scalar_of(Op op) {
  switch (op) {
    case Op::vfadd: return Op::fadd;
    case Op::vfsub: return Op::fsub;
    case Op::vfmul: return Op::fmul;
    case Op::vfdiv: return Op::fdiv;
    case Op::vfmin: return Op::fmin;
    case Op::vfmax: return Op::fmax;
    default: return Op::fsqrt;
  }
}

/// MIN and MAX give an operand back, SQRT is never tiny: neither underflows.
bool may_underflow(Op op) { return op == Op::vfadd || op == Op::vfsub || op == Op::vfmul || op == Op::vfdiv; }

/// ADD, SUB, MUL, DIV, MIN, MAX, SQRT in their four forms.
void arithmetic(Translator& t, const Row& row) {
  const Lane lane = float_lane(t);
  const bool scalar = is_scalar_form(t), unary = row.op == Op::vfsqrt;
  const Type type = scalar ? ir::lane_type(lane) : Type::v128;
  const Value b = scalar ? source_scalar(t, lane) : source(t);
  const Value old = destination(t), a = scalar ? extract(t, old, lane, 0) : old;
  const Op op = scalar ? scalar_of(row.op) : row.op;
  const Lane op_lane = scalar ? Lane::none : lane;
  FloatScope scope(t);
  const Value result = unary ? t.b.emit(op, type, {b}, 0, op_lane) : t.b.emit(op, type, {a, b}, 0, op_lane);
  if (may_underflow(row.op)) scope.end({result}, lane);
  else scope.end();
  set_destination(t, scalar ? insert(t, old, lane, 0, result) : result);
}

/// CMPPS, CMPPD, CMPSS, CMPSD: the predicates are those of vfcmp.
void compare(Translator& t, const Row&) {
  const Lane lane = float_lane(t);
  const uint64_t predicate = t.insn.immediate & 7;
  const Value old = destination(t);
  Value a = old, b;
  if (is_scalar_form(t)) {  // zeros above, so that the other lanes raise nothing
    b = zext_lane(t, source_scalar(t, lane));
    a = zext_lane(t, extract(t, old, lane, 0));
  } else {
    b = source(t);
  }
  FloatScope scope(t);
  const Value result = vector(t, Op::vfcmp, lane, a, b, predicate);
  scope.end();
  set_destination(t, is_scalar_form(t) ? insert(t, old, lane, 0, extract(t, result, lane, 0)) : result);
}

/// UCOMISS, UCOMISD; COMISS, COMISD with row.imm 1.
void compare_to_flags(Translator& t, const Row& row) {
  const Lane lane = t.insn.simd_prefix == 0x66 ? Lane::f64 : Lane::f32;
  const Value b = source_scalar(t, lane), a = extract(t, destination(t), lane, 0);
  FloatScope scope(t);
  const Value flags = t.b.emit(Op::fcompare, ir::lane_type(lane), {a, b}, row.imm);
  scope.end();
  t.set_flags(flags);
}

/// RCPPS, RSQRTPS and their scalar forms. They raise nothing.
void approximate(Translator& t, const Row& row) {
  if (!is_scalar_form(t)) return set_destination(t, t.call(*row.helper, {source(t)}));
  const Value operand = zext_lane(t, source_scalar(t, Lane::f32));
  const Value result = extract(t, t.call(*row.helper, {operand}), Lane::f32, 0);
  set_destination(t, insert(t, destination(t), Lane::f32, 0, result));
}

void round_packed(Translator& t, const Row& row) {
  const Value operand = source(t);
  FloatScope scope(t);
  const Value result = t.call(*row.helper, {operand, t.immediate(8)});
  scope.end();
  set_destination(t, result);
}

void round_scalar(Translator& t, const Row& row) {
  const Value operand = zext_lane(t, source_scalar(t, row.lane));
  FloatScope scope(t);
  const Value result = t.call(*row.helper, {operand, t.immediate(8)});
  scope.end();
  set_destination(t, insert(t, destination(t), row.lane, 0, extract(t, result, row.lane, 0)));
}

// clang-format off
constexpr Map map_0f = Map::map_0f, map_0f3a = Map::map_0f3a;
constexpr Prefixes four = np | p66 | pf3 | pf2;  // packed single, packed double, scalar single, scalar double
constexpr Row rows[] = {
    {map_0f, 0x51, four, arithmetic, Op::vfsqrt},
    {map_0f, 0x58, four, arithmetic, Op::vfadd},
    {map_0f, 0x59, four, arithmetic, Op::vfmul},
    {map_0f, 0x5c, four, arithmetic, Op::vfsub},
    {map_0f, 0x5d, four, arithmetic, Op::vfmin},
    {map_0f, 0x5e, four, arithmetic, Op::vfdiv},
    {map_0f, 0x5f, four, arithmetic, Op::vfmax},
    {map_0f, 0xc2, four, compare},
    {.map = map_0f, .opcode = 0x2e, .prefixes = np | p66, .emit = compare_to_flags, .imm = 0},  // UCOMISS, UCOMISD
    {.map = map_0f, .opcode = 0x2f, .prefixes = np | p66, .emit = compare_to_flags, .imm = 1},  // COMISS, COMISD
    {.map = map_0f, .opcode = 0x52, .prefixes = np | pf3, .emit = approximate, .helper = &helpers::rsqrt},
    {.map = map_0f, .opcode = 0x53, .prefixes = np | pf3, .emit = approximate, .helper = &helpers::rcp},
    {.map = map_0f3a, .opcode = 0x08, .prefixes = p66, .emit = round_packed, .helper = &helpers::round_single},
    {.map = map_0f3a, .opcode = 0x09, .prefixes = p66, .emit = round_packed, .helper = &helpers::round_double},
    {.map = map_0f3a, .opcode = 0x0a, .prefixes = p66, .emit = round_scalar, .lane = Lane::f32,
     .helper = &helpers::round_single},
    {.map = map_0f3a, .opcode = 0x0b, .prefixes = p66, .emit = round_scalar, .lane = Lane::f64,
     .helper = &helpers::round_double},
};
// clang-format on

}  // namespace

std::span<const Row> float_rows() { return rows; }

}  // namespace strata::isa::x86::sse

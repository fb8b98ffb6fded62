// The typing rules, by groups of operations.
#include "ir/typing.h"

#include "base/float_stack.h"
#include "ir/runtime.h"

namespace strata::ir {
namespace {

constexpr const char* bad_type = "the type is not one that this operation has";
constexpr const char* bad_operand = "an operand has the wrong type";
constexpr const char* bad_lane = "the lane is not one that this operation has";
constexpr const char* bad_count = "the number of operands is wrong";
constexpr const char* bad_immediate = "the immediate is out of range";

/// One instruction with its operands' types.
struct Typing {
  const Unit& unit;
  const Instr& instr;
  Type operand[4];

  Type type() const { return instr.type; }
  bool wide_integer() const { return type() >= Type::i8 && type() <= Type::i64; }
  bool all(unsigned count, Type wanted) const {
    for (unsigned i = 0; i < count; ++i) {
      if (operand[i] != wanted) return false;
    }
    return true;
  }
};

/// Of what takes a carry.
const char* carry_error(const Typing& t) {
  if (t.type() != Type::i32 && t.type() != Type::i64) return bad_type;
  return t.all(2, t.type()) && t.operand[2] == Type::i1 ? nullptr : bad_operand;
}

// clang-format off
const char* integer_error(const Typing& t) {
  switch (t.instr.op) {
    case Op::and_: case Op::or_: case Op::xor_: case Op::eq: case Op::ne:
      if (!is_integer(t.type())) return bad_type;
      return t.all(2, t.type()) ? nullptr : bad_operand;
    case Op::mulhi_u: case Op::mulhi_s: case Op::gather_bits: case Op::scatter_bits:
      if (t.type() != Type::i32 && t.type() != Type::i64) return bad_type;
      return t.all(2, t.type()) ? nullptr : bad_operand;
    case Op::adc: case Op::sbb: return carry_error(t);
    case Op::shl: case Op::shr: case Op::sar: case Op::rotl: case Op::rotr:
      if (!t.wide_integer()) return bad_type;
      return t.operand[0] == t.type() && t.operand[1] == Type::i8 ? nullptr : bad_operand;
    case Op::bswap:
      if (!t.wide_integer() || t.type() == Type::i8) return bad_type;
      return t.all(1, t.type()) ? nullptr : bad_operand;
    case Op::crc32c:
      if (!t.wide_integer()) return bad_type;
      return t.operand[0] == Type::i32 && t.operand[1] == t.type() ? nullptr : bad_operand;
    default:
      if (!t.wide_integer()) return bad_type;
      return t.all(info(t.instr.op).operands, t.type()) ? nullptr : bad_operand;
  }
}
// clang-format on

// clang-format off
const char* conversion_error(const Typing& t) {
  const Type from = t.operand[0];
  switch (t.instr.op) {
    case Op::select:
      if (t.type() == Type::none) return bad_type;
      return from == Type::i1 && t.operand[1] == t.type() && t.operand[2] == t.type() ? nullptr : bad_operand;
    case Op::zext: case Op::sext:
      return is_integer(t.type()) && is_integer(from) && from < t.type() ? nullptr : bad_operand;
    case Op::trunc:
      return is_integer(t.type()) && is_integer(from) && from > t.type() ? nullptr : bad_operand;
    case Op::insert_low:
      if (!t.wide_integer()) return bad_type;
      return from == t.type() && is_integer(t.operand[1]) && t.operand[1] < from ? nullptr : bad_operand;
    default: {  // bitcast
      const bool words = (t.type() == Type::i32 && from == Type::f32) || (t.type() == Type::f32 && from == Type::i32);
      const bool doubles = (t.type() == Type::i64 && from == Type::f64) || (t.type() == Type::f64 && from == Type::i64);
      return words || doubles ? nullptr : bad_operand;
    }
  }
}
// clang-format on

const char* flags_error(const Typing& t) {
  const bool carry_in = t.instr.op == Op::flags_adc || t.instr.op == Op::flags_sbb;
  switch (t.instr.op) {
    case Op::carry_adc:
    case Op::carry_sbb: return carry_error(t);
    case Op::cond:
      if (t.instr.imm > static_cast<uint64_t>(Cond::g)) return bad_immediate;
      return t.type() != Type::i1 ? bad_type : t.operand[0] == Type::i32 ? nullptr : bad_operand;
    case Op::flags_merge:
      if (t.instr.imm & ~uint64_t{Flag::all}) return bad_immediate;
      return t.type() != Type::i32 ? bad_type : t.all(2, Type::i32) ? nullptr : bad_operand;
    default:
      if (!t.wide_integer()) return bad_type;
      if (carry_in && t.operand[2] != Type::i1) return bad_operand;
      return t.all(t.instr.op == Op::flags_logic ? 1 : 2, t.type()) ? nullptr : bad_operand;
  }
}

const char* memory_error(const Typing& t) {
  if (t.instr.imm >= max_spaces) return bad_immediate;
  if (t.operand[0] != Type::i64) return bad_operand;
  const bool atomic = t.instr.op != Op::load && t.instr.op != Op::store;
  const bool scalar = t.wide_integer() || (!atomic && (t.type() == Type::f32 || t.type() == Type::f64));
  if (!scalar && (atomic || t.type() != Type::v128)) return bad_type;
  for (unsigned i = 1; i < info(t.instr.op).operands; ++i) {
    if (t.operand[i] != t.type()) return bad_operand;
  }
  return nullptr;
}

const char* float_error(const Typing& t) {
  const auto is_scalar = [](Type type) { return type == Type::f32 || type == Type::f64; };
  const auto is_word = [](Type type) { return type == Type::i32 || type == Type::i64; };
  const Type from = t.operand[0];
  switch (t.instr.op) {
    case Op::fconvert:
      return !is_scalar(t.type()) ? bad_type : is_scalar(from) && from != t.type() ? nullptr : bad_operand;
    case Op::int_to_float: return !is_scalar(t.type()) ? bad_type : is_word(from) ? nullptr : bad_operand;
    case Op::float_to_int:
      if (t.instr.imm > 1) return bad_immediate;
      return !is_word(t.type()) ? bad_type : is_scalar(from) ? nullptr : bad_operand;
    case Op::fcompare:
      if (t.instr.imm > 1) return bad_immediate;
      [[fallthrough]];
    default:
      if (!is_scalar(t.type())) return bad_type;
      return t.all(info(t.instr.op).operands, t.type()) ? nullptr : bad_operand;
  }
}

const char* float_stack_error(const Typing& t) {
  using float_stack::Operand;
  const auto operation = static_cast<float_stack::Operation>(t.instr.imm);
  const bool is_register = (operation & 0xff) >= 0xc0, is_operation = operation >> 8 >= 0xd8 && operation >> 8 <= 0xdf;
  switch (t.instr.op) {
    case Op::fstack_status: return nullptr;
    case Op::fstack_control: return t.operand[0] == Type::i16 ? nullptr : bad_operand;
    case Op::fstack_memory: {
      if (t.operand[0] != Type::i64) return bad_operand;
      if (!is_operation || is_register || t.instr.imm >> 16 >= max_spaces) return bad_immediate;
      const Operand operand = float_stack::operand(operation);
      return operand == Operand::none || operand == Operand::control ? bad_immediate : nullptr;
    }
    default: return is_operation && is_register && t.instr.imm >> 16 == 0 ? nullptr : bad_immediate;
  }
}

// clang-format off
/// A bit for each lane; what the comments in ir/op.h say of L.
constexpr unsigned lanes(auto... lane) { return ((1u << static_cast<unsigned>(lane)) | ...); }

constexpr unsigned lanes_of(Op op) {
  constexpr unsigned integers = lanes(Lane::i8, Lane::i16, Lane::i32, Lane::i64);
  constexpr unsigned floats = lanes(Lane::f32, Lane::f64);
  switch (op) {
    case Op::vadd: case Op::vsub: case Op::vcmp_eq: case Op::vcmp_gt_s: case Op::vunpack_lo: case Op::vunpack_hi:
      return integers;
    case Op::vadd_sat_s: case Op::vadd_sat_u: case Op::vsub_sat_s: case Op::vsub_sat_u: case Op::vavg_u:
      return lanes(Lane::i8, Lane::i16);
    case Op::vmul: case Op::vpack_s: case Op::vpack_u: case Op::vsar: return lanes(Lane::i16, Lane::i32);
    case Op::vmulhi_s: case Op::vmulhi_u: return lanes(Lane::i16);
    case Op::vmin_s: case Op::vmin_u: case Op::vmax_s: case Op::vmax_u: case Op::vabs: case Op::vwiden_s:
    case Op::vwiden_u:
      return lanes(Lane::i8, Lane::i16, Lane::i32);
    case Op::vshl: case Op::vshr: return lanes(Lane::i16, Lane::i32, Lane::i64);
    case Op::vshuffle2: return lanes(Lane::i32, Lane::i64) | floats;
    case Op::vblend: return lanes(Lane::i16, Lane::i32, Lane::i64) | floats;
    case Op::vblend_mask: return lanes(Lane::i8, Lane::i32, Lane::i64) | floats;
    case Op::vmask: return lanes(Lane::i8) | floats;
    case Op::vextract: case Op::vinsert: case Op::vsplat: return integers | floats;
    case Op::vfadd: case Op::vfsub: case Op::vfmul: case Op::vfdiv: case Op::vfsqrt: case Op::vfmin: case Op::vfmax:
    case Op::vfcmp:
      return floats;
    default: return integers | floats | lanes(Lane::none);  // the operation has no lanes, or only one choice of them
  }
}

/// One past the largest immediate.
constexpr uint64_t immediates_of(Op op, Lane lane) {
  switch (op) {
    case Op::vshl_bytes: case Op::vshr_bytes: case Op::valign: return 256;
    case Op::vshuffle: case Op::vshuffle_lo: case Op::vshuffle_hi: case Op::vaes_key_assist: return 256;
    case Op::vmul_carryless: case Op::vsha1_rounds: return 4;
    case Op::vshuffle2: return lane_bits(lane) == 32 ? 256 : 4;
    case Op::vblend: return uint64_t{1} << (128 / lane_bits(lane));
    case Op::vextract: case Op::vinsert: return 128 / lane_bits(lane);
    case Op::vfcmp: return 8;
    default: return ~uint64_t{0};
  }
}
// clang-format on

// clang-format off
const char* vector_error(const Typing& t) {
  const Op op = t.instr.op;
  const Lane lane = t.instr.lane;
  if (!(lanes_of(op) >> static_cast<unsigned>(lane) & 1)) return bad_lane;
  if (t.instr.imm >= immediates_of(op, lane)) return bad_immediate;
  const Type wanted = op == Op::vmask ? Type::i32 : op == Op::vextract ? lane_type(lane) : Type::v128;
  if (t.type() != wanted) return bad_type;
  switch (op) {
    case Op::vshl: case Op::vshr: case Op::vsar:
      return t.operand[0] == Type::v128 && t.operand[1] == Type::i64 ? nullptr : bad_operand;
    case Op::vinsert: return t.operand[0] == Type::v128 && t.operand[1] == lane_type(lane) ? nullptr : bad_operand;
    case Op::vsplat: return t.operand[0] == lane_type(lane) ? nullptr : bad_operand;
    case Op::vzext:
      return t.operand[0] >= Type::i32 && t.operand[0] <= Type::f64 ? nullptr : bad_operand;
    default: return t.all(info(op).operands, Type::v128) ? nullptr : bad_operand;
  }
}
// clang-format on

const char* call_error(const Typing& t) {
  const Helper& helper = *t.unit.helpers[t.instr.imm];
  if (t.type() != helper.result) return bad_type;
  for (unsigned i = 0; i < helper.operands.size(); ++i) {
    if (t.operand[i] != helper.operands[i]) return bad_operand;
  }
  return nullptr;
}

const char* slot_error(const Typing& t) {
  if (t.instr.imm >= t.unit.layout->slots.size()) return "there is no such slot";
  if (t.type() != t.unit.layout->slots[t.instr.imm].type) return "the type is not the slot's";
  return t.instr.op == Op::get || t.instr.op == Op::drop || t.operand[0] == t.type() ? nullptr : bad_operand;
}

const char* constant_error(const Typing& t) {
  if (t.instr.op == Op::vconstant) {
    return t.type() != Type::v128 ? bad_type : t.instr.imm < t.unit.vectors.size() ? nullptr : bad_immediate;
  }
  if (t.type() == Type::none || t.type() > Type::f64) return bad_type;
  return t.instr.imm & ~mask(t.type()) ? "the constant does not fit its type" : nullptr;
}

const char* leaving_error(const Typing& t) {
  const bool has_kind = t.instr.op == Op::exit || t.instr.op == Op::exit_if;
  if (has_kind && t.instr.kind > static_cast<uint8_t>(ExitKind::leave)) return "there is no such kind of exit";
  if (t.instr.op == Op::exit_indirect && t.instr.imm > 1) return bad_immediate;
  const Type wanted = t.instr.op == Op::exit_indirect ? Type::i64 : Type::i1;
  return t.all(info(t.instr.op).operands, wanted) ? nullptr : bad_operand;
}

}  // namespace

const char* type_error(const Unit& unit, const Instr& instr) {
  if (instr.op == Op::call && instr.imm >= unit.helpers.size()) return "there is no such helper";
  const unsigned operands = operand_count(unit, instr);
  if (operands > 4) return bad_count;
  Typing typing{unit, instr, {}};
  for (unsigned i = 0; i < 4; ++i) {
    if ((instr.arg[i] != no_value) != (i < operands)) return bad_count;
    if (i < operands) typing.operand[i] = result_type(unit, unit.code[instr.arg[i]]);
  }
  if (instr.op >= Op::vadd && instr.op <= Op::vfcmp) return vector_error(typing);
  if (instr.op >= Op::fadd && instr.op <= Op::float_to_int) return float_error(typing);
  if (instr.op >= Op::fstack && instr.op <= Op::fstack_control) return float_stack_error(typing);
  if (instr.op >= Op::flags_add && instr.op <= Op::cond) return flags_error(typing);
  if (instr.op >= Op::select && instr.op <= Op::bitcast) return conversion_error(typing);
  if (instr.op >= Op::add && instr.op <= Op::le_s) return integer_error(typing);
  if (instr.op >= Op::load && instr.op <= Op::atomic_cas) return memory_error(typing);
  switch (instr.op) {
    case Op::constant:
    case Op::vconstant: return constant_error(typing);
    case Op::get:
    case Op::set:
    case Op::drop: return slot_error(typing);
    case Op::call: return call_error(typing);
    case Op::exit_if:
    case Op::branch:
    case Op::exit_indirect:
    case Op::exit: return leaving_error(typing);
    default: return nullptr;
  }
}

}  // namespace strata::ir

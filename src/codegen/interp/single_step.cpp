// Steps with all operands in cells.
#include "codegen/interp/single_step.h"

#include <cstring>

#include "base/assert.h"
#include "codegen/interp/handlers.h"
#include "codegen/interp/notes.h"

namespace strata::codegen::interp {

namespace {

using ir::Instr;
using ir::Op;
using ir::Type;

constexpr Place cell = Place::cell;

Handler vector_or_float_handler(const Instr& instr, Type from) {
  const Type type = instr.type;
  switch (instr.op) {
    case Op::fadd:
    case Op::fsub:
    case Op::fmul:
    case Op::fdiv:
    case Op::fmin:
    case Op::fmax: return float_binary(instr.op, type);
    case Op::fsqrt: return float_sqrt(type);
    case Op::fcompare: return float_compare(type, instr.imm != 0);
    case Op::fconvert:
    case Op::int_to_float: return float_convert(from, type);
    case Op::float_to_int: return instr.imm != 0 ? float_truncate(from, type) : float_convert(from, type);
    case Op::vfadd:
    case Op::vfsub:
    case Op::vfmul:
    case Op::vfdiv:
    case Op::vfsqrt:
    case Op::vfmin:
    case Op::vfmax:
    case Op::vfcmp: return vector_float(instr.op, instr.lane, instr.imm);
    case Op::vzext:
    case Op::vsplat: return vector_from_scalar(instr.op, from);
    default: return vector(instr.op, instr.lane);
  }
}

Handler handler_for(const Instr& instr, Type from, Type second) {
  const Width width = width_of(instr.type);
  switch (instr.op) {
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::and_:
    case Op::or_:
    case Op::xor_:
    case Op::shl:
    case Op::shr:
    case Op::sar:
    case Op::rotl:
    case Op::rotr:
    case Op::flags_add:
    case Op::flags_sub: return hot_binary(instr.op, width, cell, cell, Dest::cell);
    case Op::mulhi_u:
    case Op::mulhi_s:
    case Op::div_u:
    case Op::div_s:
    case Op::rem_u:
    case Op::rem_s:
    case Op::gather_bits:
    case Op::scatter_bits: return binary(instr.op, width, Place::any);
    case Op::eq:
    case Op::ne:
    case Op::lt_u:
    case Op::le_u:
    case Op::lt_s:
    case Op::le_s: return compare(instr.op, width, cell, cell);
    case Op::not_:
    case Op::neg:
    case Op::clz:
    case Op::ctz:
    case Op::popcnt:
    case Op::bswap: return unary(instr.op, instr.type);
    case Op::crc32c: return crc32c(width);
    case Op::select: return select(instr.type);
    case Op::zext: return move(width_of(from), cell, Dest::cell);
    case Op::sext: return sign_extend(from, instr.type);
    case Op::trunc: return instr.type == Type::i1 ? low_bit() : move(width, cell, Dest::cell);
    case Op::bitcast: return move(width, cell, Dest::cell);
    case Op::insert_low: return insert_low(width, second);
    case Op::adc:
    case Op::sbb:
    case Op::carry_adc:
    case Op::carry_sbb: return with_carry(instr.op, width);
    case Op::flags_adc:
    case Op::flags_sbb: return flags_with_carry(instr.op, width);
    case Op::flags_logic: return flags_logic(width, cell, Dest::cell);
    case Op::flags_merge: return flags_merge();
    case Op::cond: return condition(instr.imm, cell);
    default: return vector_or_float_handler(instr, from);
  }
}

void append(std::vector<Step>& steps, Step step, Handler handler) {
  step.handler = encode(handler);
  steps.push_back(step);
}

}  // namespace

void append_operation(std::vector<Step>& steps, const ir::Unit& unit, const Instr& instr, uint16_t result,
                      const uint16_t* operands) {
  const unsigned count = ir::info(instr.op).operands;
  const auto type_of = [&](unsigned i) { return ir::result_type(unit, unit.code[instr.arg[i]]); };
  const Type from = count > 0 ? type_of(0) : Type::none, second = count > 1 ? type_of(1) : Type::none;
  Step step{.d = result, .imm = static_cast<int32_t>(instr.imm)};
  if (count > 0) step.a = operands[0];
  if (count > 1) step.b = operands[1];
  if (count > 2) step.c = operands[2];
  append(steps, step, handler_for(instr, from, second));
}

void append_constant(std::vector<Step>& steps, const ir::Unit& unit, const Instr& instr, uint16_t result) {
  Step step{.d = result};
  if (instr.op == Op::vconstant) {
    append(steps, step, vector_constant());
    static_assert(sizeof(ir::Vec128) == sizeof(Step));
    std::memcpy(static_cast<void*>(&steps.emplace_back()), &unit.vectors[instr.imm], sizeof(Step));
    return;
  }
  put_wide(step, instr.imm);
  append(steps, step, wide_constant());
}

void append_get(std::vector<Step>& steps, const ir::Slot& slot, uint16_t result) {
  append(steps, {.d = result, .a = static_cast<uint16_t>(slot.offset)},
         move(width_of(slot.type), Place::slot, Dest::cell));
}

void append_set(std::vector<Step>& steps, const ir::Slot& slot, uint16_t from) {
  if (ir::bits(slot.type) > 64) {
    const auto to = static_cast<uint16_t>(any_slot | slot.offset / cell_bytes);
    append(steps, {.d = to, .a = from}, move_vector());
  } else {
    append(steps, {.d = static_cast<uint16_t>(slot.offset), .a = from}, move(width_of(slot.type), cell, Dest::low));
  }
}

void append_end(std::vector<Step>& steps) { append(steps, {}, &first_handler); }

}  // namespace strata::codegen::interp

// Lowering of what computes, loads and stores.
#include <algorithm>

#include "base/assert.h"
#include "codegen/interp/lowering.h"

namespace strata::codegen::interp {

namespace {

/// The bytes that a value takes; a truth value is held in one.
unsigned bytes_of(ir::Type type) { return type == ir::Type::f80 ? 16 : std::max(1u, ir::bytes(type)); }

bool fits_16(int32_t value) { return static_cast<int16_t>(value) == value; }

}  // namespace

// clang-format off
void Lowering::lower_operation(const Instr& instr) {
  const Type type = instr.type;
  switch (instr.op) {
    case Op::add: case Op::sub: case Op::mul: case Op::and_: case Op::or_: case Op::xor_: case Op::shl: case Op::shr:
    case Op::sar: case Op::rotl: case Op::rotr: case Op::flags_add: case Op::flags_sub:
      return lower_hot(instr);
    case Op::eq: case Op::ne: case Op::lt_u: case Op::le_u: case Op::lt_s: case Op::le_s: return lower_compare(instr);
    case Op::mulhi_u: case Op::mulhi_s: case Op::div_u: case Op::div_s: case Op::rem_u: case Op::rem_s:
    case Op::gather_bits: case Op::scatter_bits:
      return lower_binary(instr);
    case Op::not_: case Op::neg: case Op::clz: case Op::ctz: case Op::popcnt: case Op::bswap:
      return lower_any(instr, unary(instr.op, type));
    case Op::crc32c: return lower_any(instr, crc32c(width_of(type)));
    case Op::select: return lower_any(instr, select(type));
    case Op::zext: return lower_zext(instr);
    case Op::sext: return lower_any(instr, sign_extend(type_of(instr.arg[0]), type));
    case Op::trunc: return lower_trunc(instr);
    case Op::bitcast: return lower_trunc(instr);
    case Op::insert_low: return lower_any(instr, insert_low(width_of(type), type_of(instr.arg[1])));
    case Op::adc: case Op::sbb: case Op::carry_adc: case Op::carry_sbb:
      return lower_any(instr, with_carry(instr.op, width_of(type)));
    case Op::flags_adc: case Op::flags_sbb: return lower_any(instr, flags_with_carry(instr.op, width_of(type)));
    case Op::flags_logic: return lower_flags_logic(instr);
    case Op::flags_merge: return lower_any(instr, flags_merge(), static_cast<int32_t>(instr.imm));
    case Op::cond: return lower_condition(instr);
    case Op::load: return lower_load(instr);
    case Op::store: return lower_store(instr);
    case Op::atomic_swap: case Op::atomic_add: case Op::atomic_and: case Op::atomic_or: case Op::atomic_xor:
    case Op::atomic_cas:
      return lower_any(instr, atomic(instr.op, width_of(type)), static_cast<int32_t>(instr.imm));
    case Op::fence: emit({}, fence()); return;
    case Op::call: return lower_call(instr);
    case Op::exit_if: return lower_exit_if(instr);
    case Op::poll: emit({}, poll()); return;
    case Op::expect_return: return;
    default: return lower_float_or_vector(instr);
  }
}

void Lowering::lower_float_or_vector(const Instr& instr) {
  const Type type = instr.type;
  switch (instr.op) {
    case Op::fadd: case Op::fsub: case Op::fmul: case Op::fdiv: case Op::fmin: case Op::fmax:
      return lower_any(instr, float_binary(instr.op, type));
    case Op::fsqrt: return lower_any(instr, float_sqrt(type));
    case Op::fcompare: return lower_any(instr, float_compare(type, instr.imm != 0));
    case Op::fconvert: case Op::int_to_float: return lower_any(instr, float_convert(type_of(instr.arg[0]), type));
    case Op::float_to_int: {
      const Type from = type_of(instr.arg[0]);
      return lower_any(instr, instr.imm != 0 ? float_truncate(from, type) : float_convert(from, type));
    }
    case Op::vfadd: case Op::vfsub: case Op::vfmul: case Op::vfdiv: case Op::vfsqrt: case Op::vfmin: case Op::vfmax:
    case Op::vfcmp:
      return lower_any(instr, vector_float(instr.op, instr.lane, instr.imm));
    case Op::fstack: case Op::fstack_compare: case Op::fstack_memory: case Op::fstack_status: case Op::fstack_control:
      return lower_any(instr, float_stack_handler(instr.op), static_cast<int32_t>(instr.imm));
    case Op::vzext: case Op::vsplat:
      return lower_any(instr, vector_from_scalar(instr.op, type_of(instr.arg[0])));
    default: return lower_any(instr, vector(instr.op, instr.lane), static_cast<int32_t>(instr.imm));
  }
}
// clang-format on

/// An operation whose operands and result stand anywhere.
void Lowering::lower_any(const Instr& instr, Handler handler, int32_t imm) {
  Step step{.imm = imm};
  uint16_t* const operands[] = {&step.a, &step.b, &step.c};
  for (unsigned i = 0; i < ir::info(instr.op).operands; ++i) *operands[i] = any_operand(instr.arg[i]);
  step.d = result(true, bytes_of(ir::result_type(unit_, instr))).any();
  emit(step, handler);
}

void Lowering::lower_get(const Instr& instr, Note& note) {
  const ir::Slot& slot = slot_of(instr);
  const auto offset = static_cast<uint16_t>(slot.offset);
  if (instr.imm == unit_.layout->pc && pc_lags_) bring_up_to_date();
  if (!note.copied) {
    note.home = {Home::slot, ir::bits(slot.type) == 64, offset};
    uint32_t& wanted = scratch_.slot(instr.imm).wanted_until;
    wanted = std::max(wanted, note.last_use);
    return;
  }
  note.home = copy_of_slot(offset, slot.type);
}

Home Lowering::copy_of_slot(uint16_t offset, Type type) {
  const Home home{Home::cell, true, new_cell(bytes_of(type))};
  if (bytes_of(type) > cell_bytes) {
    copy_vector(home.place, static_cast<uint16_t>(any_slot | offset / cell_bytes));
  } else {
    emit({.d = home.place, .a = offset}, move(width_of(type), Place::slot, Dest::cell));
  }
  return home;
}

void Lowering::lower_set(const Instr& instr) {
  const ir::Slot& slot = slot_of(instr);
  const auto offset = static_cast<uint16_t>(slot.offset);
  const Value value = instr.arg[0];
  if (bytes_of(slot.type) > cell_bytes) {
    const uint16_t from = any_operand(value);
    copy_vector(static_cast<uint16_t>(any_slot | offset / cell_bytes), from);
  } else {
    const Operand from = right_operand(value);
    const int32_t imm = from.place == Place::imm ? static_cast<int32_t>(at(value).imm) : 0;
    emit({.d = offset, .a = from.number, .imm = imm}, move(width_of(slot.type), from.place, Dest::low));
  }
}

/// Of the step at hand, for merge_with_flags(): unless its result takes the place of an operand, which then is not what
/// it was.
void Lowering::note_flags(const Result& result, Width width, const Operand& a, const Operand& b) {
  const auto is_overwritten = [&](const Operand& operand) {
    if (operand.place == Place::any) return operand.number == result.any();
    return operand.place == Place::slot && operand.number == result.number;
  };
  if (result.dest == Dest::low && !is_overwritten(a) && !is_overwritten(b)) flags_step_ = {here(), width, a, b};
}

void Lowering::lower_hot(const Instr& instr) {
  const Operand a = operand(instr.arg[0]);
  const Operand b = right_operand(instr.arg[1]);
  Step step{.a = a.number, .b = b.number};
  if (b.place == Place::imm) step.imm = static_cast<int32_t>(at(instr.arg[1]).imm);
  const Result d = result(false, bytes_of(ir::result_type(unit_, instr)));
  step.d = d.number;
  if (instr.op == Op::flags_sub) note_flags(d, width_of(instr.type), a, b);
  emit(step, hot_binary(instr.op, width_of(instr.type), a.place, b.place, d.dest));
}

void Lowering::lower_binary(const Instr& instr) {
  Step step{.a = any_operand(instr.arg[0])};
  Place place = Place::imm;
  if (is_imm(instr.arg[1])) {
    step.imm = static_cast<int32_t>(at(instr.arg[1]).imm);
  } else {
    place = Place::any;
    step.b = any_operand(instr.arg[1]);
  }
  step.d = result(true, bytes_of(ir::result_type(unit_, instr))).any();
  emit(step, binary(instr.op, width_of(instr.type), place));
}

void Lowering::lower_compare(const Instr& instr) {
  const Operand a = operand(instr.arg[0]);
  const Operand b = right_operand(instr.arg[1]);
  Step step{.d = new_cell(), .a = a.number, .b = b.number};
  if (b.place == Place::imm) step.imm = static_cast<int32_t>(at(instr.arg[1]).imm);
  scratch_.notes[position_].home = {Home::cell, true, step.d};
  emit(step, compare(instr.op, width_of(instr.type), a.place, b.place));
}

void Lowering::lower_flags_logic(const Instr& instr) {
  const Operand a = operand(instr.arg[0]);
  const Result d = result(false, bytes_of(Type::i32));
  // They are those of a - 0.
  note_flags(d, width_of(instr.type), a, {Place::imm, 0});
  emit({.d = d.number, .a = a.number}, flags_logic(width_of(instr.type), a.place, d.dest));
}

void Lowering::lower_condition(const Instr& instr) {
  const Operand a = operand(instr.arg[0]);
  const uint16_t cell = new_cell();
  scratch_.notes[position_].home = {Home::cell, true, cell};
  emit({.d = cell, .a = a.number}, condition(instr.imm, a.place));
}

/// A value with zeros above it needs nothing done.
void Lowering::lower_zext(const Instr& instr) {
  const Value from = instr.arg[0];
  const Home home = note_of(from).home;
  if (home.clean) {
    scratch_.notes[position_].home = home;
    return;
  }
  const Operand a = operand(from);
  const Result d = result(true, bytes_of(instr.type));
  emit({.d = d.number, .a = a.number}, move(width_of(type_of(from)), a.place, d.dest));
}

/// To the narrower type: the same place, of which less is read. The low bit has to be cut out.
void Lowering::lower_trunc(const Instr& instr) {
  if (instr.type == Type::i1) return lower_any(instr, low_bit());
  const Value from = instr.arg[0];
  Home home = note_of(from).home;
  if (home.kind == Home::constant) home = cell_of_constant(from);
  home.clean = home.clean && instr.op == Op::bitcast;
  scratch_.notes[position_].home = home;
}

Lowering::Address Lowering::address_of(Value value) const {
  Address address{.base = value};
  if (!note_of(value).fused) return address;
  if (const Instr& sum = at(value); at(sum.arg[1]).op == Op::constant) {
    address.displacement = static_cast<int32_t>(at(sum.arg[1]).imm);
    address.base = sum.arg[0];
    if (!note_of(address.base).fused) return address;
  }
  const Instr& sum = at(address.base);
  address.base = sum.arg[0];
  address.index = sum.arg[1];
  if (note_of(address.base).fused) std::swap(address.base, address.index);
  if (note_of(address.index).fused) {
    const Instr& scaled = at(address.index);
    address.scale = 1u << at(scaled.arg[1]).imm;
    address.index = scaled.arg[0];
  }
  return address;
}

/// The parts of an address but its displacement.
Index Lowering::put_address(Step& step, const Address& address, Place& base, uint64_t space) {
  const Operand a = operand(address.base);
  step.a = a.number;
  base = a.place;
  step.c = space_and_scale(space, address.scale);
  if (address.index == ir::no_value) return Index::none;
  const Operand b = operand(address.index);
  step.b = b.number;
  return b.place == Place::slot ? Index::slot : Index::cell;
}

void Lowering::lower_load(const Instr& instr) {
  const Address address = address_of(instr.arg[0]);
  Step step{.imm = address.displacement};
  if (instr.type == Type::v128) {
    step.a = any_operand(address.base);
    step.c = space_and_scale(instr.imm, 1);
    step.d = result(true, 16).any();
    emit(step, load_vector());
    return;
  }
  Place base;
  const Index index = put_address(step, address, base, instr.imm);
  const Result d = result(false, bytes_of(instr.type));
  step.d = d.number;
  emit(step, load(width_of(instr.type), base, index, d.dest));
}

void Lowering::lower_store(const Instr& instr) {
  const Address address = address_of(instr.arg[0]);
  const Value value = instr.arg[1];
  Step step{.imm = address.displacement};
  if (instr.type == Type::v128) {
    step.a = any_operand(address.base);
    step.c = space_and_scale(instr.imm, 1);
    step.d = any_operand(value);
    emit(step, store_vector());
    return;
  }
  Place base;
  const Index index = put_address(step, address, base, instr.imm);
  Operand stored{Place::imm, 0};
  if (is_imm(value) && (index == Index::none || fits_16(address.displacement))) {
    step.d = static_cast<uint16_t>(address.displacement);
    if (index == Index::none) step.b = static_cast<uint16_t>(address.displacement >> 16);
    step.imm = static_cast<int32_t>(at(value).imm);
  } else {
    stored = operand(value);
    step.d = stored.number;
  }
  emit(step, store(width_of(instr.type), base, index, stored.place));
}

}  // namespace strata::codegen::interp

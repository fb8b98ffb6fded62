// The builder: checks that blocks are filled properly, and writes through the emitter, which simplifies.
#include "ir/builder.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "ir/typing.h"

namespace strata::ir {

Builder::Builder(const StateLayout& layout, Types types) : emitter_(layout), checks_types_(types == Types::checked) {}

BlockId Builder::new_block() {
  auto& blocks = emitter_.unit().blocks;
  blocks.emplace_back();
  return static_cast<BlockId>(blocks.size() - 1);
}

void Builder::begin(BlockId block) {
  STRATA_ASSERT(!in_block_, "the block before has not been ended");
  STRATA_ASSERT(block < emitter_.unit().blocks.size(), "the block has not been announced by new_block");
  STRATA_ASSERT(emitter_.unit().blocks[block].end == 0, "the block has been filled already");
  in_block_ = true;
  emitter_.begin(block);
}

Value Builder::emit(Instr& instr) {
  STRATA_ASSERT(in_block_, "no block has been begun");
  if (checks_types_) {
    const char* error = type_error(emitter_.unit(), instr);
    STRATA_ASSERT(error == nullptr, error);
  }
  return emitter_.emit(instr);
}

void Builder::end(Instr terminator) {
  emit(terminator);
  emitter_.end();
  in_block_ = false;
}

Value Builder::emit(Op op, Type type, std::initializer_list<Value> args, uint64_t imm, Lane lane) {
  STRATA_ASSERT(args.size() <= 4 && !has(op, Trait::terminator) && op != Op::call);
  Instr instr{.op = op, .type = type, .lane = lane};
  std::copy(args.begin(), args.end(), instr.arg);
  instr.imm = imm;
  return emit(instr);
}

Value Builder::constant(Type type, uint64_t value) {
  STRATA_ASSERT(in_block_ && type != Type::none && type <= Type::f64);
  return emitter_.constant(type, value);
}

Value Builder::vconstant(Vec128 value) {
  STRATA_ASSERT(in_block_, "no block has been begun");
  return emitter_.vconstant(value);
}

Value Builder::get(SlotId slot) {
  STRATA_ASSERT(in_block_, "no block has been begun");
  STRATA_ASSERT(slot < emitter_.unit().layout->slots.size(), "there is no such slot");
  return emitter_.get(slot);
}

void Builder::set(SlotId slot, Value value) {
  STRATA_ASSERT(slot < emitter_.unit().layout->slots.size(), "there is no such slot");
  emit(Op::set, emitter_.unit().layout->slots[slot].type, {value}, slot);
}

void Builder::insn(uint64_t pc) {
  STRATA_ASSERT(in_block_, "no block has been begun");
  emitter_.insn(pc);
}

Value Builder::binary(Op op, Value a, Value b) { return emit(op, type_of(a), {a, b}); }

Value Builder::unary(Op op, Value a) {
  if (op == Op::not_ && type_of(a) == Type::i1) return binary(Op::xor_, a, i1(true));
  return emit(op, type_of(a), {a});
}

Value Builder::select(Value condition, Value yes, Value no) {
  return emit(Op::select, type_of(yes), {condition, yes, no});
}

Value Builder::zext(Type type, Value a) { return type_of(a) == type ? a : emit(Op::zext, type, {a}); }
Value Builder::sext(Type type, Value a) { return type_of(a) == type ? a : emit(Op::sext, type, {a}); }
Value Builder::trunc(Type type, Value a) { return type_of(a) == type ? a : emit(Op::trunc, type, {a}); }

Value Builder::insert_low(Value wide, Value narrow) {
  return type_of(wide) == type_of(narrow) ? narrow : emit(Op::insert_low, type_of(wide), {wide, narrow});
}

Value Builder::with_carry(Op op, Value a, Value b, Value carry) { return emit(op, type_of(a), {a, b, carry}); }

Value Builder::flags(Op op, Value a, Value b, Value carry) {
  Instr instr{.op = op, .type = type_of(a), .arg = {a, b, carry, no_value}};
  return emit(instr);
}

Value Builder::flags_merge(Value old, Value fresh, uint32_t mask) {
  return emit(Op::flags_merge, Type::i32, {old, fresh}, mask);
}

Value Builder::cond(Cond condition, Value flags) {
  return emit(Op::cond, Type::i1, {flags}, static_cast<uint64_t>(condition));
}

Value Builder::load(Type type, Value address, Space space) { return emit(Op::load, type, {address}, space); }

void Builder::store(Value address, Value value, Space space) {
  emit(Op::store, type_of(value), {address, value}, space);
}

Value Builder::atomic(Op op, Value address, Value operand, Space space) {
  return emit(op, type_of(operand), {address, operand}, space);
}

Value Builder::atomic_cas(Value address, Value expected, Value desired, Space space) {
  return emit(Op::atomic_cas, type_of(expected), {address, expected, desired}, space);
}

Value Builder::call(const Helper& helper, std::initializer_list<Value> args) {
  STRATA_ASSERT(args.size() == helper.operands.size() && args.size() <= 4, "wrong number of operands");
  Instr instr{.op = Op::call, .type = helper.result};
  std::copy(args.begin(), args.end(), instr.arg);
  instr.imm = emitter_.helper_index(helper);
  return emit(instr);
}

void Builder::exit_if(Value condition, ExitKind kind, uint64_t payload) {
  Instr instr{.op = Op::exit_if, .kind = static_cast<uint8_t>(kind)};
  instr.arg[0] = condition;
  instr.imm = payload;
  emit(instr);
}

void Builder::poll() { emit(Op::poll, Type::none, {}); }

void Builder::jump(BlockId target) { end({.op = Op::jump, .target = {target, 0}}); }

void Builder::branch(Value condition, BlockId yes, BlockId no) {
  end({.op = Op::branch, .arg = {condition, no_value, no_value, no_value}, .target = {yes, no}});
}

void Builder::exit_goto(uint64_t pc) { end({.op = Op::exit_goto, .imm = pc}); }

void Builder::expect_return(uint64_t pc) { emit(Op::expect_return, Type::none, {}, pc); }

void Builder::exit_return(Value pc) {
  end({.op = Op::exit_indirect, .arg = {pc, no_value, no_value, no_value}, .imm = 1});
}

void Builder::exit_indirect(Value pc) { end({.op = Op::exit_indirect, .arg = {pc, no_value, no_value, no_value}}); }

void Builder::exit(ExitKind kind, uint64_t payload) {
  end({.op = Op::exit, .kind = static_cast<uint8_t>(kind), .imm = payload});
}

bool Builder::is_constant(Value value, uint64_t* out) const {
  if (!emitter_.is_constant(value)) return false;
  if (out) *out = emitter_.at(value).imm;
  return true;
}

Unit Builder::finish(uint64_t guest_pc, uint32_t guest_bytes, uint32_t guest_insns) {
  STRATA_ASSERT(!in_block_, "the last block has not been ended");
  for (const Block& block : emitter_.unit().blocks) STRATA_ASSERT(block.end != 0, "a block was announced, not filled");
  Unit unit = std::move(emitter_.unit());
  unit.guest_pc = guest_pc;
  unit.guest_bytes = guest_bytes;
  unit.guest_insns = guest_insns;
  unit.simplified = true;
  emitter_.reset();
  return unit;
}

}  // namespace strata::ir

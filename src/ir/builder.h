// Builds a unit instruction by instruction; the front ends' pen.
#pragma once

#include <initializer_list>

#include "ir/emitter.h"
#include "ir/unit.h"

namespace strata::ir {

/// Blocks are announced with new_block and filled one after the other: begin(block), instructions, one terminator.
/// Small simplifications are made on the way (constants fold, x + 0 is x, a get behind a set of the same slot in the
/// same block is that value: ir/emitter.h, ir/simplify.h), so that front ends may be plain. What a function gives may
/// therefore be an older value.
class Builder {
 public:
  /// Whether each instruction is checked when it is written. The verifier finds the same later, where it runs.
  enum class Types : uint8_t { checked, trusted };
  explicit Builder(const StateLayout& layout, Types types = Types::checked);

  BlockId new_block();
  void begin(BlockId block);  ///< the block before must have been ended
  bool in_block() const { return in_block_; }
  BlockId block() const { return emitter_.block(); }  ///< the one begun last

  // Constants and state.
  Value constant(Type type, uint64_t value);
  Value i1(bool value) { return constant(Type::i1, value); }
  Value i8(uint64_t value) { return constant(Type::i8, value); }
  Value i16(uint64_t value) { return constant(Type::i16, value); }
  Value i32(uint64_t value) { return constant(Type::i32, value); }
  Value i64(uint64_t value) { return constant(Type::i64, value); }
  Value vconstant(Vec128 value);
  Value get(SlotId slot);
  void set(SlotId slot, Value value);
  void insn(uint64_t pc);

  /// Any operation with operands and a result (see ir/op.h). The type is that of the instruction.
  Value emit(Op op, Type type, std::initializer_list<Value> args, uint64_t imm = 0, Lane lane = Lane::none);

  // Integers; the type is the operands'.
  Value add(Value a, Value b) { return binary(Op::add, a, b); }
  Value sub(Value a, Value b) { return binary(Op::sub, a, b); }
  Value mul(Value a, Value b) { return binary(Op::mul, a, b); }
  Value and_(Value a, Value b) { return binary(Op::and_, a, b); }
  Value or_(Value a, Value b) { return binary(Op::or_, a, b); }
  Value xor_(Value a, Value b) { return binary(Op::xor_, a, b); }
  Value not_(Value a) { return unary(Op::not_, a); }
  Value neg(Value a) { return unary(Op::neg, a); }
  Value shl(Value a, Value count) { return binary(Op::shl, a, count); }
  Value shr(Value a, Value count) { return binary(Op::shr, a, count); }
  Value sar(Value a, Value count) { return binary(Op::sar, a, count); }
  Value rotl(Value a, Value count) { return binary(Op::rotl, a, count); }
  Value rotr(Value a, Value count) { return binary(Op::rotr, a, count); }
  Value eq(Value a, Value b) { return binary(Op::eq, a, b); }
  Value ne(Value a, Value b) { return binary(Op::ne, a, b); }
  Value lt_u(Value a, Value b) { return binary(Op::lt_u, a, b); }
  Value le_u(Value a, Value b) { return binary(Op::le_u, a, b); }
  Value lt_s(Value a, Value b) { return binary(Op::lt_s, a, b); }
  Value le_s(Value a, Value b) { return binary(Op::le_s, a, b); }
  Value select(Value condition, Value yes, Value no);
  Value zext(Type type, Value a);  ///< a itself where it has the type already; so for sext and trunc
  Value sext(Type type, Value a);
  Value trunc(Type type, Value a);
  Value insert_low(Value wide, Value narrow);
  Value binary(Op op, Value a, Value b);
  Value unary(Op op, Value a);
  Value with_carry(Op op, Value a, Value b, Value carry);  ///< adc, sbb and what is carried out

  // Flags.
  Value flags(Op op, Value a, Value b = no_value, Value carry = no_value);
  Value flags_merge(Value old, Value fresh, uint32_t mask);
  Value cond(Cond condition, Value flags);

  // Guest memory and calls.
  Value load(Type type, Value address, Space space);
  void store(Value address, Value value, Space space);
  Value atomic(Op op, Value address, Value operand, Space space);
  Value atomic_cas(Value address, Value expected, Value desired, Space space);
  Value call(const Helper& helper, std::initializer_list<Value> args);

  // Leaving and ending blocks.
  void exit_if(Value condition, ExitKind kind, uint64_t payload);
  void poll();
  void jump(BlockId target);
  void branch(Value condition, BlockId yes, BlockId no);
  void exit_goto(uint64_t pc);
  void expect_return(uint64_t pc);
  void exit_indirect(Value pc);
  void exit_return(Value pc);  ///< exit_indirect, of a return
  void exit(ExitKind kind, uint64_t payload = 0);

  Type type_of(Value value) const { return emitter_.type_of(value); }
  /// Whether the value is a constant; then *out, unless null, is it.
  bool is_constant(Value value, uint64_t* out) const;
  size_t size() const { return emitter_.size(); }  ///< instructions so far

  /// The finished unit; the builder is empty afterwards. All announced blocks must have been ended.
  Unit finish(uint64_t guest_pc, uint32_t guest_bytes, uint32_t guest_insns);

 private:
  Value emit(Instr& instr);
  void end(Instr terminator);

  Emitter emitter_;
  bool checks_types_;
  bool in_block_ = false;
};

}  // namespace strata::ir

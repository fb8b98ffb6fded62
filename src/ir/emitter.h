// Appends instructions to a unit and simplifies them on the way: what the builder and the passes both write with.
#pragma once

#include <array>
#include <vector>

#include "ir/unit.h"

namespace strata::ir {

/// One walk over a unit's blocks, each begun once and filled to its terminator. Instructions come out as older values
/// where they can: folded constants, known slots, common subexpressions (ir/simplify.h has the rules). Knowledge lives
/// within a block. Costs no allocation beyond the growth of the code.
class Emitter {
 public:
  explicit Emitter(const StateLayout& layout);

  /// Another unit for the same layout.
  void reset();

  void begin(BlockId block);
  BlockId block() const { return block_; }
  void end() { unit_.blocks[block_].end = size(); }

  /// Simplifies and appends; gives the value, which may be an older one. no_value where the instruction gives none.
  /// The instruction is well typed: the builder asserts it, for the passes the verifier has seen to it. It is rewritten
  /// where it stands, so that none is copied but into the code.
  Value emit(Instr& instr);

  /// The same with less to write. The type is that of the instruction (see ir/op.h).
  Value emit(Op op, Type type, Value a, Value b = no_value, Value c = no_value, uint64_t imm = 0);

  Value constant(Type type, uint64_t value);
  Value get(SlotId slot);
  void insn(uint64_t pc);
  Value vconstant(Vec128 value);
  uint64_t helper_index(const Helper& helper);

  const Instr& at(Value value) const { return unit_.code[value]; }
  Type type_of(Value value) const { return result_type(unit_, at(value)); }
  bool is_constant(Value value) const { return at(value).op == Op::constant; }
  bool is_constant(Value value, uint64_t wanted) const { return is_constant(value) && at(value).imm == wanted; }
  uint32_t size() const { return static_cast<uint32_t>(unit_.code.size()); }

  /// Whether a set of the slot would change nothing, because it is known to hold the value already.
  bool holds(SlotId slot, Value value) const;

  Unit& unit() { return unit_; }
  const Unit& unit() const { return unit_; }

 private:
  /// What a slot is known to hold, if that was found out in the present period. Periods end where a helper may write
  /// the state, and with the block; so nothing need be cleared.
  struct Known {
    Value value;
    uint32_t period;
  };

  Value append(const Instr& instr);
  Value append_unless_known(const Instr& instr);
  void note_set(SlotId slot, Value value) { slots_[slot] = {value, period_}; }
  void forget_slots() { ++period_; }
  Value call(const Instr& instr);
  void branch(Instr& instr);

  Unit unit_;
  BlockId block_ = 0;
  uint32_t block_begin_ = 0;
  uint32_t period_ = 1;
  std::array<Known, max_slots> slots_ = {};
  Value pc_insn_ = no_value;            ///< the insn that set the pc slot last, if it still stands there
  std::array<Value, 128> recent_ = {};  ///< pure values of this block by hash; what else stands there is no match
};

}  // namespace strata::ir

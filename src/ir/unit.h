// A unit: the IR of one piece of guest code, in basic blocks, with one entry and any number of exits.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/flags.h"
#include "ir/op.h"
#include "ir/runtime.h"
#include "ir/type.h"

namespace strata::ir {

/// A value is the index in Unit::code of the instruction that gives it. It is used only in the block that defines it:
/// what crosses blocks goes through state slots. So there are no phis, and a block is compiled in one pass.
using Value = uint32_t;
inline constexpr Value no_value = ~Value{0};

/// The index of a block in Unit::blocks.
using BlockId = uint32_t;

/// The index of a slot in StateLayout::slots.
using SlotId = uint16_t;
inline constexpr SlotId no_slot = 0xffff;
/// The most that a layout may have: what is known of each fits in an array.
inline constexpr size_t max_slots = 128;

/// One piece of the guest's processor state that IR reads and writes as a whole.
struct Slot {
  std::string name;
  uint32_t offset;  ///< bytes from the start of the state
  Type type;        ///< i8 to i64, f32, f64, f80 or v128; naturally aligned
};

/// How a front end lays its processor's state out. Slots do not overlap. Helpers reach the state as the front end's own
/// struct; IR reaches it by slots.
struct StateLayout {
  std::vector<Slot> slots;
  uint32_t size = 0;  ///< bytes
  SlotId pc = 0;      ///< the i64 slot that `insn`, `exit_goto` and `exit_indirect` set
  /// The i32 slot that holds a flags value (ir/flags.h) and never anything else, if there is one.
  SlotId flags = no_slot;
  SlotId unit_base = 0;  ///< the i64 slot in which relocatable units keep the page of their pc
  /// The slots that code reads and writes most, of each type the hottest first: back ends may keep those of i64 and v128
  /// in registers. Not the pc.
  std::vector<SlotId> hot = {};
};

/// What a helper may touch besides its operands.
enum class HelperEffect : uint8_t {
  pure,         ///< nothing: depends on its operands only
  reads_state,  ///< reads the guest state; may not leave
  state,        ///< reads and writes the guest state, guest memory too; may not leave
  may_exit,     ///< as state, and may set ExecContext::leave, upon which the unit is left right behind the call
};

/// A C++ function that IR calls. Its operands are passed as uint64_t each (f32 and f64 as their bits), a v128 as
/// const Vec128*; it gives uint64_t (0 where the result is none), or for a v128 result takes Vec128* as first
/// parameter behind the context. Before a call that is not pure, all sets that precede it are in the state.
struct Helper {
  using Function = void (*)();  ///< really uint64_t (*)(ExecContext&, up to 5 words); cast by the caller
  std::string name;
  Function function = nullptr;
  Type result = Type::none;
  std::vector<Type> operands = {};
  HelperEffect effect = HelperEffect::may_exit;
};

/// One instruction; which fields mean something is said in its row of ir/op.h.
struct Instr {
  Op op = Op::nop;
  Type type = Type::none;  ///< of the result; for stores, compares and flags the operands' type
  Lane lane = Lane::none;
  uint8_t kind = 0;   ///< ExitKind of exit and exit_if
  bool sunk = false;  ///< for `set`: overwritten before anyone but an exit can see it; done only at exits.
                      ///< For a pure value: wanted only by sunk sets, computed only at exits.
  Value arg[4] = {no_value, no_value, no_value, no_value};
  union {
    uint64_t imm = 0;
    BlockId target[2];  ///< of jump and branch
  };
};
static_assert(sizeof(Instr) == 32);

/// A run of instructions of which the last is a terminator.
struct Block {
  uint32_t begin = 0;  ///< in Unit::code
  uint32_t end = 0;    ///< one past the terminator
};

/// The most instructions that a unit may have; back ends size their frames by it. Front ends end a unit at half of it,
/// as the guest's instruction that comes last may need many.
inline constexpr size_t max_unit_size = 8192;

/// Block 0 is the entry.
struct Unit {
  const StateLayout* layout = nullptr;
  std::vector<Instr> code;  ///< all blocks, each contiguous
  std::vector<Block> blocks;
  std::vector<Vec128> vectors;
  std::vector<const Helper*> helpers;  ///< borrowed, they live as long as the program
  uint64_t guest_pc = 0;               ///< of the first instruction, as the pc slot has it
  uint32_t guest_bytes = 0;            ///< length of the guest code from its first to its last byte
  uint32_t guest_insns = 0;            ///< instructions translated
  /// It runs at any pc with its offset in the page: back ends keep the page of the pc with which it is entered in the slot
  /// unit_base, to which what `insn` and `exit_goto` say is added.
  bool relocatable = false;
  /// It is begun only where no event waits and all its instructions fit in what is left of ExecContext::insn_limit.
  bool counted = false;
  uint64_t guest_address = 0;  ///< of the first instruction, virtual
  Space code_space = 0;        ///< in which its code was fetched
  Space data_space = 0;        ///< of most of its loads and stores; only units that have the same lead to each other
  /// Equal for units among which indirect jumps may go straight from one to the other; 0: none may.
  uint32_t mode = 0;
  bool simplified = false;  ///< the emitter wrote it: each block is as simple as the rules make it

  std::span<Instr> instrs(BlockId block) {
    return std::span(code).subspan(blocks[block].begin, blocks[block].end - blocks[block].begin);
  }
  std::span<const Instr> instrs(BlockId block) const {
    return std::span(code).subspan(blocks[block].begin, blocks[block].end - blocks[block].begin);
  }
};

/// By operation: the type of what it gives, or own_type for that of the instruction.
inline constexpr Type own_type = static_cast<Type>(0xff);
extern const std::array<Type, std::size(op_table)> result_types;

/// The type of an instruction's result: none for sets, stores and terminators, i1 for compares, i32 for flags.
inline Type result_type(const Unit&, const Instr& instr) {
  const Type type = result_types[static_cast<unsigned>(instr.op)];
  return type == own_type ? instr.type : type;
}

inline unsigned operand_count(const Unit& unit, const Instr& instr) {
  return instr.op == Op::call ? static_cast<unsigned>(unit.helpers[instr.imm]->operands.size())
                              : info(instr.op).operands;
}

/// Calls of helpers that are not pure: they see the whole state, and may change it.
inline bool sees_state(const Unit& unit, const Instr& instr) {
  return instr.op == Op::call && unit.helpers[instr.imm]->effect != HelperEffect::pure;
}

/// Whether an instruction gives a value and does nothing else, so that it may be left out where nobody wants that.
inline bool is_pure(const Unit& unit, const Instr& instr) {
  return has(instr.op, Trait::pure) || (instr.op == Op::call && !sees_state(unit, instr));
}

}  // namespace strata::ir

// What lowering knows of each IR instruction and slot; found by the analysis, used and completed while steps are made.
#pragma once

#include <cstdint>
#include <vector>

#include "codegen/interp/program.h"
#include "ir/unit.h"

namespace strata::codegen::interp {

/// No position, or one behind all others.
inline constexpr uint32_t never = ~uint32_t{0};

/// Where a value is found.
struct Home {
  enum Kind : uint8_t {
    none,      ///< nowhere yet, or nobody wants it
    cell,      ///< in a cell (two for 16 bytes)
    slot,      ///< in the guest state: it was read from there and nothing is written there while it is wanted, or it
               ///< was written there instead of to a cell
    constant,  ///< in the IR
  };
  Kind kind = none;
  bool clean = false;  ///< the 8 bytes at its place are the value with zeros above
  uint16_t place = 0;  ///< number of the cell, or offset in the state
};

/// How a value is used: by what it may be folded into its users.
struct Role {
  static constexpr uint8_t address = 1;  ///< the address of a load or store of a scalar
  static constexpr uint8_t vector_address = 2;
  static constexpr uint8_t inner = 4;       ///< what an address adds a constant to
  static constexpr uint8_t index = 8;       ///< the right part of a sum that is an address
  static constexpr uint8_t condition = 16;  ///< of the branch that ends the block
  static constexpr uint8_t other = 32;
};

/// Of one IR instruction. Positions are indices in Unit::code.
struct Note {
  uint32_t last_use = 0;  ///< where its value is wanted last (sunk users want it until they are superseded)
  uint32_t fold = never;  ///< a value: the set that may be done by whoever computes it, right away.
                          ///< A set: the first position behind it where the slot may change again.
  Home home;
  uint16_t cached = 0;    ///< a constant: the cell in which it stands too
  uint8_t cached_in = 0;  ///< in which part of the block's code that cell was filled
  uint8_t roles = 0;
  bool awake = false;            ///< wanted by one that is not sunk, so it is not sunk itself, whatever the IR says
  bool fused = false;            ///< computed by its users
  bool copied = false;           ///< get: its slot changes while the value is still wanted
  bool done = false;             ///< set: done by whoever computed the value
  uint16_t from = 0, until = 0;  ///< sunk set: the steps at which the program, if left, is owed it
};

/// Of one slot, in the block at hand.
struct SlotNote {
  uint32_t block = never;
  uint32_t next_set = never;    ///< the next position at which it is set, sunk sets included
  uint32_t next_write = never;  ///< the same without sunk sets
  uint32_t next_get = never;
  uint32_t wanted_until = 0;   ///< how long values that have it as home are wanted
  uint32_t open_sunk = never;  ///< the sunk set that has not been superseded yet
};

/// A step that waits to learn where a block begins.
struct Jump {
  uint16_t step;
  bool second;  ///< its c, not its d
  ir::BlockId target;
};

/// Memory that compilations reuse.
struct Scratch {
  std::vector<Note> notes;
  std::vector<SlotNote> slots;
  uint32_t block = 0;  ///< number of the block at hand, for slots to be forgotten in no time

  std::vector<Step> steps;
  std::vector<Mark> marks;
  std::vector<uint64_t> far_pcs;
  std::vector<ir::BlockId> order;  ///< of the blocks in the code
  std::vector<uint16_t> starts;    ///< of the blocks, in steps
  std::vector<uint8_t> at_insn;    ///< of the blocks: the pc is that of an instruction not done yet when they begin
  std::vector<Jump> jumps;

  SlotNote& slot(uint64_t id) {
    SlotNote& note = slots[id];
    if (note.block != block) note = {.block = block};
    return note;
  }
};

/// Fills in the notes of a block's instructions. Whether there are sunk sets in it.
bool analyse(const ir::Unit& unit, const ir::Block& block, Scratch& scratch);

/// Whether what an operation gives always has zeros above it in its cell.
bool gives_clean(ir::Op op);

/// Whether an instruction is left to the exits.
inline bool is_sunk(const ir::Instr& instr, const Note& note) { return instr.sunk && !note.awake; }

inline bool fits(uint64_t constant) {
  return static_cast<uint64_t>(int64_t{static_cast<int32_t>(constant)}) == constant;
}

}  // namespace strata::codegen::interp

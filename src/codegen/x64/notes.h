// What the compiler knows of each IR instruction: how long its value is wanted, what is computed by its users, and where
// the value stands.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "codegen/x64/homes.h"
#include "ir/unit.h"

namespace strata::codegen::x64 {

inline constexpr uint32_t never = ~uint32_t{0};

/// How a value is used: by what it may be folded into its users.
struct Role {
  static constexpr uint16_t address = 1;      ///< of a load or store
  static constexpr uint16_t inner = 2;        ///< what an address adds a constant to
  static constexpr uint16_t index = 4;        ///< the right part of a sum that is an address
  static constexpr uint16_t condition = 8;    ///< of a branch, exit_if or select
  static constexpr uint16_t flags_slot = 16;  ///< set to the layout's flags slot
  static constexpr uint16_t flags = 32;       ///< of a cond
  static constexpr uint16_t merged = 64;      ///< of a flags_merge that is set to the flags slot
  static constexpr uint16_t sunk = 128;       ///< at exits only
  static constexpr uint16_t set = 256;        ///< to any other slot
  static constexpr uint16_t lane = 512;       ///< of a vextract
  static constexpr uint16_t zero = 1024;      ///< whether it is 0, by a fused compare, and what flags that gives
  static constexpr uint16_t right = 2048;     ///< the right operand of arithmetic that takes memory
  static constexpr uint16_t cut = 4096;       ///< to its lowest 32 bits
  static constexpr uint16_t other = 8192;
};

/// Of one IR instruction. Positions are indices in Unit::code.
struct Note {
  uint32_t last_use = 0;   ///< where its value is wanted last (sunk users want it until they are superseded)
  uint32_t last_need = 0;  ///< the same without sunk users: behind that only exits want it
  uint32_t cell = 0;       ///< of the frame, or 0
  int8_t reg = -1;         ///< the host's number, general or vector by the type; -1: in none
  uint16_t roles = 0;
  bool awake = false;       ///< wanted by one that is not sunk, so it is not sunk itself, whatever the IR says
  bool fused = false;       ///< computed by its users
  bool direct = false;      ///< goes to its slot when it is computed, and nowhere else
  bool sets_flags = false;  ///< the host's flags behind it are wanted
  bool after = false;       ///< flags that the host's flags are already
  bool unclean = false;     ///< its register holds anything above the bits of its type, else zeros; floats too
  uint8_t neighbours = 0;   ///< of a load or store: number of its Neighbours, from 1; 0: it has none
  uint32_t fold = never;    ///< the set that may be done when the value is computed
  uint32_t also = never;    ///< what is computed with it: of a sum its carry, of a product its high half
  uint32_t counts = never;  ///< of a sum or difference with 1: the flags_merge that is done with it, for the flags slot
  bool early = false;       ///< computed with another, before it
};

/// Loads and stores of one block at constant distances from one value: where they all touch the same page, one look into
/// the TLB serves them all. The first one looks, and keeps the page's addend in a word of the frame (Frame::page), where
/// 0 says that the others must look for themselves.
struct Neighbours {
  ir::Value base;  ///< what constants are added to
  ir::Space space;
  bool narrow;           ///< addresses have 32 bits
  bool write;            ///< one is a store
  uint32_t first, last;  ///< positions
  int64_t begin, end;    ///< the bytes, from the base

  static constexpr size_t most = 16;  ///< in a block
  /// From the first byte to the last. The wider they stand, the oftener a page ends among them, and all look alone.
  static constexpr int64_t farthest = 128;
};

/// Of one slot, in the block at hand.
struct SlotNote {
  uint32_t block = never;
  uint32_t next_set = never;    ///< the next position at which it is set, sunk sets included
  uint32_t exits_behind = 0;    ///< how many of Scratch::exits stand behind that
  uint32_t next_write = never;  ///< the same without sunk sets
  uint32_t next_get = never;
};

/// Memory that compilations reuse.
struct Scratch {
  std::vector<Note> notes;
  std::vector<SlotNote> slots;
  std::array<std::vector<ir::Value>, 16> held, held_vectors;  ///< what stands in registers
  // Of the block at hand; positions stand with the last one first.
  std::vector<uint32_t> exits;
  std::vector<uint32_t> accesses;      ///< loads and stores, and calls that see memory
  std::vector<Neighbours> neighbours;  ///< with some that were left alone
  uint32_t block = 0;

  SlotNote& slot(uint64_t id) {
    SlotNote& note = slots[id];
    if (note.block != block) note = {.block = block};
    return note;
  }
};

void analyse(const ir::Unit& unit, const ir::Block& block, const Homes& homes, Scratch& scratch);
void find_neighbours(const ir::Unit& unit, Scratch& scratch);  ///< among Scratch::accesses

/// Whether it adds to a value, or subtracts, a constant that addresses of the host can take; how much it adds then.
bool is_displaced(const ir::Unit& unit, const ir::Instr& instr);
int32_t displacement_of(const ir::Unit& unit, const ir::Instr& instr);

/// An address as a value and a constant distance from it.
struct Distance {
  ir::Value base;
  int64_t bytes;
  bool narrow;  ///< the sum is cut to 32 bits
};
Distance distance_of(const ir::Unit& unit, ir::Value address);

inline bool is_sunk(const ir::Instr& instr, const Note& note) { return instr.sunk && !note.awake; }
inline bool takes_carry(ir::Op op) {
  return op == ir::Op::adc || op == ir::Op::sbb || op == ir::Op::carry_adc || op == ir::Op::carry_sbb;
}
/// Whether merged flags are those of a sum or difference with 1, but for the carry, which is the old one.
bool counts_by_one(const ir::Unit& unit, const ir::Instr& merge);
/// Of flags of which only the carry may be set: that, as a truth value or a constant. no_value: others may be.
ir::Value carry_in(const ir::Unit& unit, ir::Value flags);
inline bool is_compare(ir::Op op) { return op >= ir::Op::eq && op <= ir::Op::le_s; }
inline bool is_atomic(ir::Op op) { return op >= ir::Op::atomic_swap && op <= ir::Op::atomic_cas; }
/// Whether the value is a pc as `insn` tells one.
inline bool is_told_pc(const ir::Unit& unit, ir::Value value) {
  const ir::Instr& instr = unit.code[value];
  if (!unit.relocatable) return instr.op == ir::Op::constant;
  const auto is_base = [&unit](const ir::Instr& one) {
    return one.op == ir::Op::get && one.imm == unit.layout->unit_base;
  };
  return is_base(instr) || (instr.op == ir::Op::add && is_base(unit.code[instr.arg[0]]) &&
                            unit.code[instr.arg[1]].op == ir::Op::constant);
}
inline uint64_t told_pc(const ir::Unit& unit, ir::Value value) {
  const ir::Instr& instr = unit.code[value];
  if (!unit.relocatable) return instr.imm;
  return instr.op == ir::Op::add ? unit.code[instr.arg[1]].imm : 0;
}
inline bool fits(uint64_t constant) {
  return static_cast<uint64_t>(int64_t{static_cast<int32_t>(constant)}) == constant;
}

}  // namespace strata::codegen::x64

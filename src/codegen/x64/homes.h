// Homes: the host registers in which the hottest slots of a guest's state stand throughout translated code, and how its
// flags stand in the state meanwhile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codegen/x64/registers.h"
#include "ir/unit.h"

namespace strata::codegen::x64 {

/// The place of ir::Flag::overflow.
inline constexpr unsigned overflow_bit = 11;

/// Flags as the host gives and takes them with the fewest instructions: what lahf puts into ah, and below it what seto
/// puts into al. Bits that are no flags hold anything.
struct RawFlags {
  static constexpr uint32_t overflow = 1;
  static constexpr uint32_t of(uint32_t flags) {
    return (flags & (ir::Flag::all & ~ir::Flag::overflow)) << 8 | ((flags & ir::Flag::overflow) != 0 ? overflow : 0);
  }
};

/// By StateLayout::hot. Which register is whose is the same in all code made of one layout, so that code goes on to
/// other code without storing and loading them; only C++ sees them in the state.
class Homes {
 public:
  struct Home {
    uint8_t reg;
    ir::SlotId slot;
    uint32_t offset;  ///< in the state
  };

  /// Those in one kind of registers.
  class Bank {
   public:
    /// The hottest slots of the type have the first of `registers`; those left over and `pool` hold values.
    Bank(const ir::StateLayout& layout, ir::Type type, std::span<const uint8_t> registers,
         std::span<const uint8_t> pool)
        : by_slot_(layout.slots.size(), int8_t{-1}) {
      for (const ir::SlotId slot : layout.hot) {
        if (layout.slots[slot].type != type || homes_ == registers.size()) continue;
        const uint8_t reg = registers[homes_];
        all_[homes_++] = {reg, slot, layout.slots[slot].offset};
        by_slot_[slot] = static_cast<int8_t>(reg);
        mask_ |= 1u << reg;
      }
      for (const uint8_t reg : registers.subspan(homes_)) pool_[free_++] = reg;
      for (const uint8_t reg : pool) pool_[free_++] = reg;
    }

    std::span<const Home> all() const { return std::span(all_).first(homes_); }
    /// Registers for values: those that are nobody's home.
    std::span<const uint8_t> pool() const { return std::span(pool_).first(free_); }
    bool is_home(unsigned reg) const { return (mask_ >> reg & 1) != 0; }
    /// The slot's register, -1: it has none.
    int8_t of(uint64_t slot) const { return by_slot_[slot]; }

   private:
    std::array<Home, 16> all_{};
    std::array<uint8_t, 16> pool_{};
    size_t homes_ = 0, free_ = 0;
    uint32_t mask_ = 0;
    std::vector<int8_t> by_slot_;
  };

  explicit Homes(const ir::StateLayout& layout)
      : general(layout, ir::Type::i64, home_registers, pool_registers),
        vectors(layout, ir::Type::v128, vector_home_registers, vector_pool_registers) {
    pc_ = layout.slots[layout.pc].offset;
    unit_base_ = layout.slots[layout.unit_base].offset;
    if (layout.flags != ir::no_slot) flags_ = static_cast<int32_t>(layout.slots[layout.flags].offset);
  }

  const Bank general;  ///< of i64 slots
  const Bank vectors;  ///< of v128 slots; they stand there while Frame::vectors_live says so

  /// Where in the state the flags slot stands, which translated code keeps as RawFlags; -1: there is none.
  int32_t flags() const { return flags_; }

  // Where in the state slots stand that have no home.
  uint32_t pc() const { return pc_; }
  uint32_t unit_base() const { return unit_base_; }

 private:
  int32_t flags_ = -1;
  uint32_t pc_ = 0, unit_base_ = 0;
};

}  // namespace strata::codegen::x64

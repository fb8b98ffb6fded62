// Homes: the host registers in which the hottest slots of a guest's state stand throughout translated code, and how its
// flags stand in the state meanwhile.
#pragma once

#include <array>
#include <cstdint>
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
    bool operator==(const Home&) const = default;
  };

  explicit Homes(const ir::StateLayout& layout) {
    for (size_t i = 0; i < home_registers.size(); ++i) {
      if (i >= layout.hot.size()) {
        pool_.push_back(home_registers[i]);
        continue;
      }
      const ir::SlotId slot = layout.hot[i];
      all_.push_back({home_registers[i], slot, layout.slots[slot].offset});
      mask_ |= 1u << home_registers[i];
    }
    pool_.insert(pool_.end(), pool_registers.begin(), pool_registers.end());
    pc_ = layout.slots[layout.pc].offset;
    unit_base_ = layout.slots[layout.unit_base].offset;
    if (layout.flags != ir::no_slot) flags_ = static_cast<int32_t>(layout.slots[layout.flags].offset);
  }

  const std::vector<Home>& all() const { return all_; }
  /// Registers for values: those that are nobody's home.
  const std::vector<uint8_t>& pool() const { return pool_; }
  bool is_home(unsigned reg) const { return (mask_ >> reg & 1) != 0; }
  /// The slot's register, -1: it has none.
  int8_t of(uint64_t slot) const {
    for (const Home& home : all_)
      if (home.slot == slot) return static_cast<int8_t>(home.reg);
    return -1;
  }

  /// Where in the state the flags slot stands, which translated code keeps as RawFlags; -1: there is none.
  int32_t flags() const { return flags_; }

  // Where in the state slots stand that have no home.
  uint32_t pc() const { return pc_; }
  uint32_t unit_base() const { return unit_base_; }

  bool operator==(const Homes&) const = default;

 private:
  int32_t flags_ = -1;
  uint32_t pc_ = 0, unit_base_ = 0;
  std::vector<Home> all_;
  std::vector<uint8_t> pool_;
  uint32_t mask_ = 0;
};

}  // namespace strata::codegen::x64

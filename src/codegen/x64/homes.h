// Homes: the host registers in which the hottest slots of a guest's state stand throughout translated code.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "codegen/x64/registers.h"
#include "ir/unit.h"

namespace strata::codegen::x64 {

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

  bool operator==(const Homes&) const = default;

 private:
  std::vector<Home> all_;
  std::vector<uint8_t> pool_;
  uint32_t mask_ = 0;
};

}  // namespace strata::codegen::x64

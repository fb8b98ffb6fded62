// For the tests of passes: the memory, helpers and interruptions of a run, played so that every run can be compared.
#pragma once

#include <optional>
#include <vector>

#include "ir/flags.h"
#include "ir/unit.h"

namespace strata::ir {

/// Keeps in order all that is visible outside. What is read depends on what has happened so far.
struct PlayedWorld {
  unsigned leave_at = 0;  ///< after so many loads and stores the next is refused, and polls leave
  std::vector<uint64_t> seen = {};

  bool refuses() {
    if (leave_at == 0) return true;
    --leave_at;
    return false;
  }

  std::optional<uint64_t> load(uint64_t address, Type type) {
    if (refuses()) return std::nullopt;
    seen.push_back(address);
    return (address * 7 + seen.size()) & mask(type);
  }

  bool store(uint64_t address, uint64_t value) {
    if (refuses()) return false;
    seen.push_back(address);
    seen.push_back(value);
    return true;
  }

  void see(const std::vector<uint64_t>& slots) { seen.insert(seen.end(), slots.begin(), slots.end()); }

  /// What helpers that write do; the slot named f holds flags.
  void change(const StateLayout& layout, std::vector<uint64_t>& slots) const {
    for (size_t i = 0; i < slots.size(); ++i) {
      const Slot& slot = layout.slots[i];
      slots[i] = (slots[i] * 5 + seen.size() + i) & (slot.name == "f" ? Flag::all : mask(slot.type));
    }
  }

  bool helper_leaves() const { return seen.size() % 3 == 0; }

  void left(ExitKind kind, uint64_t payload, const std::vector<uint64_t>& slots) {
    see({static_cast<uint64_t>(kind), payload});
    see(slots);
  }
};

}  // namespace strata::ir

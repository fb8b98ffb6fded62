// Finds units by a hash: open addressing in one array, so that a look costs one line of the host's cache or two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata::engine {

struct CachedUnit;

/// Holds no unit, only where it is.
class UnitTable {
 public:
  void add(uint64_t hash, CachedUnit& unit) {
    if (++count_ > slots_.size() / 4 * 3) grow();
    slots_[free_from(hash)] = {hash, &unit};
  }

  /// The first unit of this hash that `is_it` says yes to; nullptr: there is none.
  template <class IsIt>
  CachedUnit* find(uint64_t hash, IsIt is_it) const {
    for (size_t at = home(hash); slots_[at].unit != nullptr; at = behind(at))
      if (slots_[at].hash == hash && is_it(*slots_[at].unit)) return slots_[at].unit;
    return nullptr;
  }

  /// The unit was added with this hash. Those behind it move up, so that none is cut off from its home.
  void remove(uint64_t hash, const CachedUnit& unit) {
    size_t hole = home(hash);
    while (slots_[hole].unit != &unit) hole = behind(hole);
    for (size_t at = behind(hole); slots_[at].unit != nullptr; at = behind(at)) {
      if (distance(home(slots_[at].hash), at) < distance(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
    --count_;
  }

  size_t size() const { return count_; }

 private:
  struct Slot {
    uint64_t hash = 0;
    CachedUnit* unit = nullptr;
  };

  size_t home(uint64_t hash) const { return hash & (slots_.size() - 1); }
  size_t behind(size_t at) const { return (at + 1) & (slots_.size() - 1); }
  size_t distance(size_t from, size_t to) const { return (to - from) & (slots_.size() - 1); }
  size_t free_from(uint64_t hash) const {
    size_t at = home(hash);
    while (slots_[at].unit != nullptr) at = behind(at);
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.unit != nullptr) slots_[free_from(slot.hash)] = slot;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);  ///< a power of two of them
  size_t count_ = 0;
};

}  // namespace strata::engine

// Finds units by a hash: open addressing in one array, so that a look costs one line of the host's cache or two.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata::engine {

struct CachedUnit;

/// Holds no unit, only where it is. While one thread adds, others may find; not so for the rest.
class UnitTable {
 public:
  bool is_full() const { return count_ >= slots_.size() / 4 * 3; }
  /// Not full.
  void add(uint64_t hash, CachedUnit& unit) {
    ++count_;
    put(hash, &unit);
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.get() != nullptr) put(slot.hash, slot.get());
  }

  /// The first unit of this hash that `is_it` says yes to; nullptr: there is none.
  template <class IsIt>
  CachedUnit* find(uint64_t hash, IsIt is_it) const {
    for (size_t at = home(hash);; at = behind(at)) {
      CachedUnit* const unit = slots_[at].get();
      if (unit == nullptr || (slots_[at].hash == hash && is_it(*unit))) return unit;
    }
  }

  /// The unit was added with this hash. Those behind it move up, so that none is cut off from its home.
  void remove(uint64_t hash, const CachedUnit& unit) {
    size_t hole = home(hash);
    while (slots_[hole].get() != &unit) hole = behind(hole);
    for (size_t at = behind(hole); slots_[at].get() != nullptr; at = behind(at)) {
      if (distance(home(slots_[at].hash), at) < distance(hole, at)) continue;
      slots_[hole].set(slots_[at].hash, slots_[at].get());
      hole = at;
    }
    slots_[hole].set(0, nullptr);
    --count_;
  }

  size_t size() const { return count_; }

 private:
  struct Slot {
    uint64_t hash = 0;
    std::atomic<CachedUnit*> unit = nullptr;  ///< written last, and read first
    CachedUnit* get() const { return unit.load(std::memory_order_acquire); }
    void set(uint64_t new_hash, CachedUnit* new_unit) {
      hash = new_hash;
      unit.store(new_unit, std::memory_order_release);
    }
  };

  size_t home(uint64_t hash) const { return hash & (slots_.size() - 1); }
  size_t behind(size_t at) const { return (at + 1) & (slots_.size() - 1); }
  size_t distance(size_t from, size_t to) const { return (to - from) & (slots_.size() - 1); }
  size_t free_from(uint64_t hash) const {
    size_t at = home(hash);
    while (slots_[at].get() != nullptr) at = behind(at);
    return at;
  }
  void put(uint64_t hash, CachedUnit* unit) { slots_[free_from(hash)].set(hash, unit); }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);  ///< a power of two of them
  size_t count_ = 0;
};

}  // namespace strata::engine

// The filtering database's table: how it grows and how entries leave it.
#include "network/bridge/fdb.h"

#include <algorithm>

namespace strata::network::bridge {

namespace {

constexpr std::size_t first_slots = 1024;

// SplitMix64 (Steele, Lea, Flood, 2014): one seed gives both keys of the hash.
std::uint64_t mix(std::uint64_t seed) {
  seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9;
  seed = (seed ^ seed >> 27) * 0x94d049bb133111eb;
  return seed ^ seed >> 31;
}

}  // namespace

Fdb::Fdb(std::size_t max_entries, std::uint64_t seed)
    : slots_(first_slots),
      mask_(first_slots - 1),
      max_entries_(max_entries),
      seed_{mix(seed + 0x9e3779b97f4a7c15), mix(seed + 2 * 0x9e3779b97f4a7c15) | 1} {}

Fdb::Entry* Fdb::insert(std::uint64_t key, bool beyond_limit) {
  if (full() && !beyond_limit) return nullptr;
  if (2 * (size_ + 1) > slots_.size()) grow();
  std::size_t i = hash(key) & mask_;
  while (slots_[i].key != 0) i = (i + 1) & mask_;
  slots_[i] = {.key = key};
  ++size_;
  return &slots_[i];
}

void Fdb::grow() {
  std::vector<Entry> old(slots_.size() * 2);
  old.swap(slots_);
  mask_ = slots_.size() - 1;
  for (const auto& entry : old) {
    if (entry.key == 0) continue;
    std::size_t i = hash(entry.key) & mask_;
    while (slots_[i].key != 0) i = (i + 1) & mask_;
    slots_[i] = entry;
  }
}

std::size_t Fdb::longest_run() const {
  std::size_t longest = 0, run = 0;
  for (const auto& entry : slots_) longest = std::max(longest, run = entry.key != 0 ? run + 1 : 0);
  return longest;
}

// Moves back each entry of the run that follows, if its home is not between the hole and where it is.
void Fdb::erase(std::size_t hole) {
  for (std::size_t i = (hole + 1) & mask_; slots_[i].key != 0; i = (i + 1) & mask_) {
    const std::size_t home = hash(slots_[i].key) & mask_;
    if (((i - home) & mask_) >= ((i - hole) & mask_)) {
      slots_[hole] = slots_[i];
      hole = i;
    }
  }
  slots_[hole] = {};
  --size_;
}

}  // namespace strata::network::bridge

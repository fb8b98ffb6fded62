// Fdb: the filtering database's stations, a flat hash table from filtering identifier and address to port (8.8).
#pragma once

#include <cstdint>
#include <vector>

#include "network/bridge/mac_address.h"
#include "network/bridge/port_id.h"
#include "network/bridge/vlan.h"

namespace strata::network::bridge {

/// Open addressing with linear probing, at most half full, 16 bytes an entry: a look-up reads one cache line. Erasing
/// moves entries back, so that there are no tombstones. The hash is two rounds of a keyed 128-bit product: who sends addresses cannot
/// make them collide.
class Fdb {
 public:
  struct Entry {
    std::uint64_t key = 0;   ///< 0: free
    std::uint32_t seen = 0;  ///< ms, wraps
    PortId port = no_port;
    bool is_static = false;
  };

  Fdb(std::size_t max_entries, std::uint64_t seed);

  static constexpr std::uint64_t key_of(Vid fid, MacAddress address) {
    return std::uint64_t{fid} << 48 | address.value();
  }
  static constexpr Vid fid_of(std::uint64_t key) { return static_cast<Vid>(key >> 48); }
  static constexpr MacAddress address_of(std::uint64_t key) { return MacAddress(key); }

  std::size_t size() const { return size_; }
  bool full() const { return size_ >= max_entries_; }
  void set_max_entries(std::size_t max_entries) { max_entries_ = max_entries; }

  Entry* find(std::uint64_t key) {
    for (std::size_t i = hash(key) & mask_;; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return &slots_[i];
      if (slots_[i].key == 0) return nullptr;
    }
  }
  const Entry* find(std::uint64_t key) const { return const_cast<Fdb*>(this)->find(key); }
  void prefetch(std::uint64_t key) const { __builtin_prefetch(&slots_[hash(key) & mask_]); }
  /// A key that is not there yet. Null if the table is full, unless `beyond_limit`. Entries move.
  Entry* insert(std::uint64_t key, bool beyond_limit = false);
  /// Removes those for which `condition(entry)` holds.
  template <class Condition>
  void erase_if(Condition condition) {
    for (std::size_t i = 0; i < slots_.size();) {
      if (slots_[i].key != 0 && condition(slots_[i])) erase(i);  // and look at what has moved here
      else ++i;
    }
  }
  /// Entries in a row, which a look-up may have to pass: how well the hash does.
  std::size_t longest_run() const;
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& entry : slots_)
      if (entry.key != 0) visit(entry);
  }

 private:
  std::size_t hash(std::uint64_t key) const {
    return fold(fold(key ^ seed_[0], seed_[1]),
                seed_[1]);  // one round leaves addresses in arithmetic order in long runs
  }
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  void erase(std::size_t index);
  void grow();

  std::vector<Entry> slots_;
  std::size_t mask_;
  std::size_t size_ = 0;
  std::size_t max_entries_;
  std::uint64_t seed_[2];
};
static_assert(sizeof(Fdb::Entry) == 16);

}  // namespace strata::network::bridge

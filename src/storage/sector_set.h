// SectorSet: which sectors of a disk; small where few or many neighbours are in it.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace strata::storage {

/// Memory grows with the stretches of 1 MiB that are partly in it: 256 bytes and a little for each.
class SectorSet {
 public:
  void add(uint64_t first, uint64_t count);

  struct Run {
    bool inside;
    uint64_t count;
  };
  /// How many sectors from `first` on, at most `most`, are all inside or all outside.
  Run run_at(uint64_t first, uint64_t most) const;

 private:
  static constexpr uint64_t chunk_sectors = 2048;
  using Bits = std::bitset<chunk_sectors>;

  Run run_in_chunk(uint64_t first, uint64_t most) const;

  std::unordered_map<uint64_t, std::unique_ptr<Bits>> chunks_;  ///< by sector / chunk_sectors; nullptr: all of it
};

}  // namespace strata::storage

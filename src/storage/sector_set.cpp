// A bitmap for each stretch of 1 MiB that is neither full nor empty.
#include "storage/sector_set.h"

#include <algorithm>

namespace strata::storage {

void SectorSet::add(uint64_t first, uint64_t count) {
  while (count > 0) {
    const uint64_t from = first % chunk_sectors;
    const uint64_t part = std::min(count, chunk_sectors - from);
    auto [chunk, is_new] = chunks_.try_emplace(first / chunk_sectors);
    if (part == chunk_sectors) {
      chunk->second.reset();
    } else if (is_new || chunk->second) {
      if (is_new) chunk->second = std::make_unique<Bits>();
      for (uint64_t i = 0; i < part; ++i) chunk->second->set(from + i);
      if (chunk->second->all()) chunk->second.reset();
    }
    first += part;
    count -= part;
  }
}

SectorSet::Run SectorSet::run_at(uint64_t first, uint64_t most) const {
  Run run = run_in_chunk(first, most);
  while (run.count < most && (first + run.count) % chunk_sectors == 0) {
    const Run next = run_in_chunk(first + run.count, most - run.count);
    if (next.inside != run.inside) break;
    run.count += next.count;
  }
  return run;
}

SectorSet::Run SectorSet::run_in_chunk(uint64_t first, uint64_t most) const {
  const uint64_t from = first % chunk_sectors;
  const uint64_t end = std::min(chunk_sectors, from + most);
  const auto chunk = chunks_.find(first / chunk_sectors);
  if (chunk == chunks_.end()) return {false, end - from};
  if (!chunk->second) return {true, end - from};
  const Bits& bits = *chunk->second;
  uint64_t at = from + 1;
  while (at < end && bits[at] == bits[from]) ++at;
  return {bits[from], at - from};
}

}  // namespace strata::storage

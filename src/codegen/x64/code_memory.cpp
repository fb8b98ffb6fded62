// A double mapping of anonymous memory, divided by lists of what is free.
#include "codegen/x64/code_memory.h"

#include <asmjit/core.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace strata::codegen::x64 {

/// At the begin of a free run; its last bytes are the number of its granules again.
struct CodeMemory::FreeRun {
  FreeRun* next;
  FreeRun* previous;
  uint32_t granules;
  uint32_t block;
  uint32_t begin;  ///< in the block
};

struct CodeMemory::Block {
  Block(size_t size, std::byte* to_run, std::byte* to_write)
      : granules(size), run_begin(to_run), write_begin(to_write), used((size + 63) / 64) {}

  std::byte* write(size_t at) const { return write_begin + at * granule; }
  FreeRun& run_at(size_t at) const { return *reinterpret_cast<FreeRun*>(write(at)); }
  /// Of the free run that ends there.
  size_t length_before(size_t at) const {
    uint32_t length = 0;
    std::memcpy(&length, write(at) - sizeof length, sizeof length);
    return length;
  }
  bool is_free(size_t at) const { return at < granules && (used[at / 64] >> (at % 64) & 1) == 0; }
  /// Only what stands at the ends of runs is asked for.
  void mark(size_t begin, size_t count, bool taken) {
    for (const size_t at : {begin, begin + count - 1}) {
      if (taken) used[at / 64] |= uint64_t{1} << (at % 64);
      else used[at / 64] &= ~(uint64_t{1} << (at % 64));
    }
  }

  size_t granules;
  std::byte *run_begin, *write_begin;
  std::vector<uint64_t> used;  ///< a bit for each granule
};

CodeMemory::CodeMemory() {
  static_assert(sizeof(FreeRun) + sizeof(uint32_t) <= granule);
  asmjit::VirtMem::DualMapping range;
  const asmjit::Error error =
      asmjit::VirtMem::allocDualMapping(&range, reach, asmjit::VirtMem::MemoryFlags::kAccessRWX);
  STRATA_ASSERT(error == asmjit::kErrorOk, "the host has no memory for translated code");
  run_ = static_cast<std::byte*>(range.rx);
  write_ = static_cast<std::byte*>(range.rw);
}

CodeMemory::~CodeMemory() {
  asmjit::VirtMem::DualMapping range{run_, write_};
  asmjit::VirtMem::releaseDualMapping(&range, reach);
}

unsigned CodeMemory::list_of(size_t granules) {
  if (granules < exact) return static_cast<unsigned>(granules);
  return exact + static_cast<unsigned>(std::bit_width(granules / exact)) - 1;
}

CodeSpan CodeMemory::allocate(size_t size) {
  const size_t wanted = std::max<size_t>(1, (size + granule - 1) / granule);
  FreeRun* found = find(wanted);
  if (found == nullptr) {
    add_block(wanted);
    found = find(wanted);
  }
  const FreeRun run = *found;
  remove(*found);
  Block& block = *blocks_[run.block];
  if (run.granules > wanted) add(run.block, run.begin + wanted, run.granules - wanted);
  block.mark(run.begin, wanted, true);
  return {block.run_begin + run.begin * granule, block.write(run.begin), static_cast<uint32_t>(size), run.block};
}

void CodeMemory::release(const CodeSpan& span) {
  Block& block = *blocks_[span.block];
  size_t begin = static_cast<size_t>(span.write - block.write(0)) / granule;
  size_t granules = std::max<size_t>(1, (span.size + granule - 1) / granule);
  if (const size_t behind = begin + granules; block.is_free(behind)) {
    FreeRun& run = block.run_at(behind);
    granules += run.granules;
    remove(run);
  }
  if (begin > 0 && block.is_free(begin - 1)) {
    FreeRun& run = block.run_at(begin - block.length_before(begin));
    begin = run.begin;
    granules += run.granules;
    remove(run);
  }
  add(span.block, begin, granules);
}

/// A run that is long enough: of the list of that length, else of the next one that has any.
CodeMemory::FreeRun* CodeMemory::find(size_t granules) {
  unsigned list = list_of(granules);
  for (FreeRun* run = lists_[list]; run != nullptr; run = run->next)
    if (run->granules >= granules) return run;
  for (++list; list < lists_.size(); list = (list / 64 + 1) * 64)
    if (const uint64_t filled = filled_[list / 64] >> (list % 64); filled != 0)
      return lists_[list + static_cast<unsigned>(std::countr_zero(filled))];
  return nullptr;
}

void CodeMemory::add_block(size_t granules) {
  const size_t size = std::max(granules, usual_block / granule);
  STRATA_ASSERT(size * granule <= reach - mapped_, "translated code has outgrown its memory");
  blocks_.push_back(std::make_unique<Block>(size, run_ + mapped_, write_ + mapped_));
  mapped_ += size * granule;
  add(static_cast<uint32_t>(blocks_.size() - 1), 0, size);
}

void CodeMemory::add(uint32_t block, size_t begin, size_t granules) {
  Block& in = *blocks_[block];
  in.mark(begin, granules, false);
  const unsigned list = list_of(granules);
  const auto length = static_cast<uint32_t>(granules);
  FreeRun& run = in.run_at(begin);
  run = {lists_[list], nullptr, length, block, static_cast<uint32_t>(begin)};
  if (run.next != nullptr) run.next->previous = &run;
  lists_[list] = &run;
  filled_[list / 64] |= uint64_t{1} << (list % 64);
  std::memcpy(in.write(begin + granules) - sizeof length, &length, sizeof length);
}

void CodeMemory::remove(FreeRun& run) {
  const unsigned list = list_of(run.granules);
  if (run.next != nullptr) run.next->previous = run.previous;
  if (run.previous != nullptr) run.previous->next = run.next;
  else lists_[list] = run.next;
  if (lists_[list] == nullptr) filled_[list / 64] &= ~(uint64_t{1} << (list % 64));
}

}  // namespace strata::codegen::x64

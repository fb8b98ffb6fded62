// Fills and flushes a software TLB.
#include "engine/tlb_set.h"

#include <algorithm>

namespace strata::engine {

/// An entry that is all zeros is one of page 0, which only two are asked for: its own, and the last one by accesses that
/// go on from the last page of all to the first.
template <unsigned PageBits, size_t Size>
TlbTable<PageBits, Size>::TlbTable(std::array<ir::TlbEntry, Size>& entries) : entries_(entries) {
  empty(0);
  empty(Size - 1);
}

template <unsigned PageBits, size_t Size>
ir::TlbEntry& TlbTable<PageBits, Size>::fill(uint64_t address, bool global) {
  const size_t index = index_of(address);
  (global ? global_ : local_).add(index);
  (global ? local_ : global_).drop(index);
  empty(index);
  return entries_[index];
}

template <unsigned PageBits, size_t Size>
void TlbTable<PageBits, Size>::flush(bool flush_global) {
  local_.for_each([this](size_t index) { empty(index); });
  local_.clear();
  if (!flush_global) return;
  global_.for_each([this](size_t index) { empty(index); });
  global_.clear();
}

template <unsigned PageBits, size_t Size>
uint64_t TlbTable<PageBits, Size>::page_of(const ir::TlbEntry& entry) {
  if (entry.read != ir::TlbEntry::no_page) return entry.read;
  return entry.write != ir::TlbEntry::no_page ? entry.write : entry.unused;
}

template <unsigned PageBits, size_t Size>
void TlbTable<PageBits, Size>::flush_page(uint64_t page, bool all) {
  const size_t index = index_of(page);
  if (!all && !global_.has(index)) return;
  if (page_of(entries_[index]) == page >> PageBits) empty(index);
}

template <unsigned PageBits, size_t Size>
void TlbTable<PageBits, Size>::flush_range(uint64_t first, uint64_t last, bool all) {
  const auto flush_one = [&](size_t index) {
    const uint64_t page = page_of(entries_[index]);
    if (page >= first >> PageBits && page <= last >> PageBits) empty(index);
  };
  if (all) local_.for_each(flush_one);
  global_.for_each(flush_one);
}

template class TlbTable<ir::page_bits, ir::tlb_entries>;
template class TlbTable<ir::large_page_bits, ir::large_tlb_entries>;

void LargePages::note(uint64_t address, uint64_t span) {
  if (span <= ir::page_size) return;
  const uint64_t page = address / span, address_and_size = page * span | span >> 1;
  uint64_t& recent = recent_[page % recent_.size()];
  if (recent == address_and_size) return;
  recent = address_and_size;
  auto size = std::find_if(sizes_.begin(), sizes_.end(), [span](const Size& known) { return known.span == span; });
  if (size == sizes_.end()) size = sizes_.insert(sizes_.end(), {span, {}});
  size->pages.insert(page);
}

uint64_t LargePages::span_at(uint64_t address) const {
  uint64_t span = ir::page_size;
  for (const Size& size : sizes_)
    if (size.pages.contains(address / size.span)) span = std::max(span, size.span);
  return span;
}

}  // namespace strata::engine

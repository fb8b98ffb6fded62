// One software TLB with what is needed to flush it at the cost of what was filled.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "base/zero_pages.h"
#include "ir/runtime.h"
#include "isa/guest.h"

namespace strata::engine {

/// A set of TLB indices. Walking and emptying it costs its length, not the TLB's.
template <size_t Size>
class TlbIndices {
 public:
  void add(size_t index) {
    words_[index / 64] |= uint64_t{1} << (index % 64);
    used_[index / 4096] |= uint64_t{1} << (index / 64 % 64);
  }
  void drop(size_t index) { words_[index / 64] &= ~(uint64_t{1} << (index % 64)); }
  bool has(size_t index) const { return (words_[index / 64] >> (index % 64) & 1) != 0; }
  void clear() {
    for_each_bit(used_, [this](size_t word) { words_[word] = 0; });
    used_ = {};
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for_each_bit(used_, [&](size_t word) {
      for_each_bit(std::span(&words_[word], 1), [&](size_t bit) { visit(word * 64 + bit); });
    });
  }

 private:
  template <class Visit>
  static void for_each_bit(std::span<const uint64_t> words, Visit visit) {
    for (size_t word = 0; word < words.size(); ++word)
      for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1)
        visit(word * 64 + static_cast<size_t>(std::countr_zero(bits)));
  }

  std::array<uint64_t, Size / 64> words_ = {};
  std::array<uint64_t, (Size + 4095) / 4096> used_ = {};  ///< words that are not 0, or were
};

/// The entries for pages of one size that compiled code reads, and beside them which are filled, and with global pages or
/// not. In an entry `unused` is the tag of a page that the guest may write but the fast path must not: it holds code, or
/// is tracked.
template <unsigned PageBits, size_t Size>
class TlbTable {
 public:
  /// They are all zeros.
  explicit TlbTable(std::array<ir::TlbEntry, Size>& entries);

  ir::TlbEntry& at(uint64_t address) { return entries_[index_of(address)]; }
  const ir::TlbEntry& at(uint64_t address) const { return entries_[index_of(address)]; }
  bool is_global(uint64_t address) const { return global_.has(index_of(address)); }

  /// Empties the entry for the address, for the caller to fill, and books it.
  ir::TlbEntry& fill(uint64_t address, bool global);

  void flush(bool flush_global);
  /// Those that are not global too, if `all` is set.
  void flush_page(uint64_t page, bool all);
  void flush_range(uint64_t first, uint64_t last, bool all);  ///< pages whose address is in the range

  template <class Visit>
  void for_each(Visit visit) {
    const auto visit_entry = [&](size_t index) { visit(entries_[index]); };
    local_.for_each(visit_entry);
    global_.for_each(visit_entry);
  }

  /// The number of the page that an entry is for, however it may be used; no_page where it is empty.
  static uint64_t page_of(const ir::TlbEntry& entry);

 private:
  static constexpr size_t index_of(uint64_t address) { return (address >> PageBits) & (Size - 1); }
  void empty(size_t index) { entries_[index] = {.unused = ir::TlbEntry::no_page}; }

  std::array<ir::TlbEntry, Size>& entries_;
  TlbIndices<Size> local_, global_;
};

/// One ir::Tlb.
class TlbSet {
 public:
  using Pages = TlbTable<ir::page_bits, ir::tlb_entries>;
  using Large = TlbTable<ir::large_page_bits, ir::large_tlb_entries>;

  TlbSet() { entries_->counts = {}; }

  ir::Tlb& entries() { return *entries_; }
  Pages& pages() { return pages_; }
  const Pages& pages() const { return pages_; }
  Large& large() { return large_; }

  void flush(bool flush_global) {
    pages_.flush(flush_global);
    large_.flush(flush_global);
  }
  void flush_range(uint64_t first, uint64_t last, bool all) {
    pages_.flush_range(first, last, all);
    large_.flush_range(first, last, all);
  }

 private:
  ZeroPages<ir::Tlb> entries_;
  Pages pages_{entries_->pages};
  Large large_{entries_->large};
};

/// Which large pages the TLBs hold pieces of: flushing one address must flush all of its page.
class LargePages {
 public:
  void note(uint64_t address, uint64_t span);
  /// The size of the page by which the address may be mapped, as far as the TLBs know.
  uint64_t span_at(uint64_t address) const;
  void clear() {
    sizes_.clear();
    recent_ = {};
  }

 private:
  struct Size {
    uint64_t span;
    std::unordered_set<uint64_t> pages;  ///< address / span
  };
  std::vector<Size> sizes_;  ///< the few that there are
  /// What was noted last, by page: its address and size. Most that is noted is known.
  std::array<uint64_t, 256> recent_ = {};
};

}  // namespace strata::engine

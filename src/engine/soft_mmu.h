// Guest virtual memory in software: fills the TLBs, and makes every access that compiled code cannot make by itself.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "engine/ram_map.h"
#include "engine/tlb_set.h"
#include "ir/runtime.h"
#include "isa/guest.h"

namespace strata::engine {

/// Who must agree before bytes change from which units were made. Offsets are in Ram.
class CodeWatch {
 public:
  /// Units made from these bytes of one page go. False: the unit that runs is one of them, so the write must wait.
  virtual bool about_to_write(uint64_t offset, uint64_t size) = 0;
  /// What it said yes to is done by code that runs later.
  virtual void update_follows(uint64_t offset, uint64_t size) = 0;
  /// Code of this page is about to be read for translation.
  virtual void about_to_fetch(uint64_t page) = 0;

 protected:
  ~CodeWatch() = default;
};

/// One a processor, used on its thread only.
class SoftMmu final : public ir::SlowMemory {
 public:
  SoftMmu(isa::Guest& guest, RamMap& ram, CodeWatch& watch);

  /// Its TLBs and its slow path are these. `changed` is called when an address may lead elsewhere than it did.
  void connect(ir::ExecContext& context, std::function<void()> changed);

  // ir::SlowMemory
  bool load(uint64_t address, unsigned size, ir::Space space, void* out) override;
  bool store(uint64_t address, unsigned size, ir::Space space, const void* in) override;
  void* pin_for_update(uint64_t address, unsigned size, ir::Space space, bool* through_slow_path) override;

  // The memory half of isa::Host; for any size.
  bool read(uint64_t address, void* out, unsigned size, ir::Space space);
  bool write(uint64_t address, const void* in, unsigned size, ir::Space space);
  bool probe(uint64_t address, unsigned size, ir::Space space, isa::Access access);
  bool fetch(uint64_t address, void* out, unsigned size, ir::Space space);
  void flush_mappings(bool flush_global);
  void flush_mapping(uint64_t address);
  void switch_address_space(uint64_t space, bool keep);
  void flush_address_space(uint64_t space);

  /// Where the code of a page stands.
  struct CodePage {
    static constexpr uint64_t nowhere = ~uint64_t{0};
    uint64_t offset = nowhere;  ///< in Ram, of the page; nowhere: a device, or nothing
    uint64_t physical = 0;      ///< of the page, where offset is nowhere
  };
  /// False: execution is refused, and the refusal recorded with the guest.
  bool code_page(uint64_t address, ir::Space space, CodePage& page);

  /// The pages that fetch() has read since forget_fetched(), each once, by their guest address.
  struct Fetched {
    uint64_t address;
    CodePage page;
  };
  const std::vector<Fetched>& fetched() const { return fetched_; }
  void forget_fetched() { fetched_.clear(); }

  /// Whether the TLB knows that the page of `address` is this one of Ram.
  bool knows_code_page(uint64_t address, ir::Space space, uint64_t page) const {
    const ir::TlbEntry& entry = now_->code[space].pages().at(address);
    return entry.read == ir::page_number(address) && entry.addend == ir::page_number(page);
  }

  /// Whether the last refusal was ours, to be repeated alone: a store into the unit that runs.
  bool take_self_modification() { return std::exchange(self_modification_, false); }

  /// Ends the fast path for writes to a page of Ram.
  void protect(uint64_t page);

  /// The physical map has changed.
  void remap();

  /// Whether Ram's watcher is being told of a write that about_to_write() was asked for.
  bool writing() const { return writing_; }

  uint64_t walks() const { return walks_; }
  uint64_t slow_accesses() const { return slow_accesses_; }

 private:
  /// What an address leads to now.
  struct Place {
    std::byte* host = nullptr;  ///< nullptr: a device, or nothing
    uint64_t physical = 0;      ///< where host is nullptr
    bool rom = false;           ///< host memory that takes no writes
    bool watched = false;       ///< the guest is to be told of the access
  };
  bool place(uint64_t address, ir::Space space, isa::Access access, Place& out);
  bool walk(uint64_t address, ir::Space space, isa::Access access, Place& out);
  void fill(uint64_t address, ir::Space space, const isa::Mapping& mapping, const RamMap::Window& window);
  void fill_large(uint64_t address, ir::Space space, const isa::Mapping& mapping);
  bool fill_from_large(uint64_t address, ir::Space space, isa::Access access);
  bool fetch_page(uint64_t address, std::byte* out, unsigned size, ir::Space space);
  bool may_write(const Place& place, uint64_t size);
  void get(const Place& place, std::byte* out, unsigned size);
  void put(const Place& place, const std::byte* in, unsigned size);
  void settle(uint64_t address, ir::Space space, const Place& place);
  /// The TLBs of one address space, by privilege and the like (ir::Space). Global pages are kept by each for itself.
  struct Tlbs {
    uint64_t number = 0;  ///< see isa::Host::switch_address_space
    unsigned slot = 0;    ///< its own always
    std::array<TlbSet, ir::max_spaces> data;
    std::array<TlbSet, ir::max_spaces> code;  ///< addend is the page's number in Ram
    template <class Visit>
    void for_each(Visit visit) {
      for (TlbSet& tlb : data) visit(tlb);
      for (TlbSet& tlb : code) visit(tlb);
    }
  };
  static constexpr size_t most_address_spaces = 8;

  /// The TLB's bit in writers_.
  static uint32_t writer(const Tlbs& tlbs, unsigned space) {
    static_assert(most_address_spaces * ir::max_spaces <= 32);
    return uint32_t{1} << (tlbs.slot * ir::max_spaces + space);
  }

  template <class Visit>
  void for_each_tlb(Visit visit);  ///< of all address spaces
  Tlbs& tlbs_of(uint64_t number);
  void bring_in(Tlbs& tlbs);

  isa::Guest& guest_;
  RamMap& ram_;
  CodeWatch& watch_;
  std::vector<std::unique_ptr<Tlbs>> tlbs_;  ///< in the order of their use, those in force first
  Tlbs* now_ = nullptr;                      ///< the first of them
  std::vector<uint32_t> writers_;            ///< by page of Ram: TLBs that may have let it be written since protect()
  std::vector<uint32_t> large_writers_;  ///< by 2 MiB of Ram: TLBs whose large entries may let some of it be written
  ir::ExecContext* context_ = nullptr;
  std::function<void()> changed_;
  LargePages large_;
  std::vector<Fetched> fetched_;
  bool self_modification_ = false;
  bool writing_ = false;
  uint64_t walks_ = 0;
  uint64_t slow_accesses_ = 0;
};

}  // namespace strata::engine

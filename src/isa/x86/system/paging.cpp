// Paging: two levels of 32 bits, PAE, and four levels of long mode, one walk for all.
#include "isa/x86/system/paging.h"

#include "isa/x86/mode.h"
#include "isa/x86/system/control_bits.h"
#include "isa/x86/system/debug.h"

namespace strata::isa::x86 {
namespace {

struct Pte {
  static constexpr uint64_t present = 1, writable = 2, user = 4, accessed = 32, dirty = 64, large = 128, global = 256,
                            no_execute = uint64_t{1} << 63;
};

/// The bits of a page fault's error code (SDM vol. 3, 4.7).
struct PageFaultError {
  static constexpr uint32_t present = 1, write = 2, user = 4, reserved = 8, fetch = 16;
};

constexpr uint64_t address_bits = ((uint64_t{1} << physical_bits) - 1) & ir::page_mask;

/// How the tables of the mode in force are built.
struct Shape {
  unsigned levels;      ///< 2, 3 or 4
  unsigned entry_size;  ///< 4 or 8
  unsigned index_bits;  ///< 10 or 9
};

/// What the entries on the way down add up to.
struct Rights {
  bool writable = true;
  bool user = true;
  bool execute = true;
};

class Walk {
 public:
  Walk(Cpu& cpu, uint64_t address, ir::Space space, Access access)
      : cpu_(cpu), address_(address), space_(space), access_(access) {}

  bool run(Mapping& mapping);

 private:
  Shape shape() const;
  uint64_t read_entry(uint64_t at) const;
  bool set_bits(uint64_t at, uint64_t& entry, uint64_t bits) const;
  bool reserved_bits_set(uint64_t entry, unsigned level, bool leaf) const;
  bool leaf_at(uint64_t entry, unsigned level) const;
  uint64_t large_page_address(uint64_t entry, unsigned level) const;
  bool may(Access access, const Rights& rights) const;
  bool refuse(uint32_t error) const;
  bool no_execute_enabled() const { return cpu_.state.efer & Efer::nxe; }

  Cpu& cpu_;
  const uint64_t address_;
  const ir::Space space_;
  const Access access_;
  Shape shape_{};
};

Shape Walk::shape() const {
  if (cpu_.state.efer & Efer::lma) return {4, 8, 9};
  if (cpu_.state.cr4 & Cr4::pae) return {3, 8, 9};
  return {2, 4, 10};
}

uint64_t Walk::read_entry(uint64_t at) const {
  uint64_t entry = 0;
  cpu_.host->read_physical(at, &entry, shape_.entry_size);
  return entry;
}

/// Sets accessed and dirty bits; false when the entry has changed under the walk, which then starts again.
bool Walk::set_bits(uint64_t at, uint64_t& entry, uint64_t bits) const {
  if ((entry & bits) == bits) return true;
  if (!cpu_.host->compare_exchange_physical(at, shape_.entry_size, entry, entry | bits)) return false;
  entry |= bits;
  return true;
}

bool Walk::leaf_at(uint64_t entry, unsigned level) const {
  if (level == 0) return true;
  if (!(entry & Pte::large)) return false;
  if (shape_.levels == 2) return cpu_.state.cr4 & Cr4::pse;
  return level == 1 || (level == 2 && shape_.levels == 4);
}

bool Walk::reserved_bits_set(uint64_t entry, unsigned level, bool leaf) const {
  if (shape_.levels == 2) {
    // PSE-36 (SDM vol. 3, table 4-4): bits 13..20 hold physical address bits 32..39, bit 21 is reserved.
    return leaf && level == 1 && (entry & (uint64_t{1} << 21));
  }
  uint64_t reserved = ((uint64_t{1} << 52) - 1) & ~((uint64_t{1} << physical_bits) - 1);
  if (shape_.levels == 3) reserved |= uint64_t{0x7ff} << 52;  // not ignored in PAE, as they are in long mode
  if (!no_execute_enabled()) reserved |= Pte::no_execute;
  if (shape_.levels == 3 && level == 2) {  // a PDPTE (table 4-8): rights and accessed bits are reserved
    return entry & (reserved | Pte::no_execute | 0x1e6);
  }
  if (level == 3) reserved |= Pte::large;
  if (leaf && level == 1) reserved |= 0x1fe000;
  if (leaf && level == 2) reserved |= 0x3fffe000;
  return entry & reserved;
}

uint64_t Walk::large_page_address(uint64_t entry, unsigned level) const {
  const uint64_t span = uint64_t{1} << (ir::page_bits + level * shape_.index_bits);
  if (shape_.levels == 2) {
    if (level == 0) return entry & 0xfffff000;
    return (entry & 0xffc00000) | ((entry >> 13 & 0xff) << 32);
  }
  return entry & address_bits & ~(span - 1);
}

bool Walk::may(Access access, const Rights& rights) const {
  const State& s = cpu_.state;
  if (space_ == space_user) {
    if (!rights.user) return false;
    if (access == Access::write) return rights.writable;
    return access == Access::read || rights.execute;
  }
  if (access == Access::execute) return rights.execute && !(rights.user && (s.cr4 & Cr4::smep));
  if (rights.user && (s.cr4 & Cr4::smap) && space_ == space_supervisor) return false;
  return access == Access::read || rights.writable || !(s.cr0 & Cr0::wp);
}

bool Walk::refuse(uint32_t error) const {
  if (access_ == Access::write) error |= PageFaultError::write;
  if (space_ == space_user) error |= PageFaultError::user;
  const bool fetch_is_told = (no_execute_enabled() && (cpu_.state.cr4 & Cr4::pae)) || (cpu_.state.cr4 & Cr4::smep);
  if (access_ == Access::execute && fetch_is_told) error |= PageFaultError::fetch;
  cpu_.state.event = {Event::exception, vector_pf, true, error, address_};
  return false;
}

bool Walk::run(Mapping& mapping) {
  shape_ = shape();
  for (;;) {
    Rights rights;
    const uint64_t table_mask = shape_.levels == 3 ? 0xffffffe0 : shape_.levels == 2 ? 0xfffff000 : address_bits;
    uint64_t table = cpu_.state.cr3 & table_mask;
    bool again = false;
    for (unsigned level = shape_.levels - 1; !again; level--) {
      const unsigned shift = ir::page_bits + level * shape_.index_bits;
      const bool is_pdpte = shape_.levels == 3 && level == 2;
      const uint64_t index = address_ >> shift & (is_pdpte ? 3 : (1u << shape_.index_bits) - 1);
      const uint64_t at = table + index * shape_.entry_size;
      uint64_t entry = read_entry(at);
      if (!(entry & Pte::present)) return refuse(0);
      const bool leaf = leaf_at(entry, level);
      if (reserved_bits_set(entry, level, leaf)) return refuse(PageFaultError::present | PageFaultError::reserved);
      if (!is_pdpte) {
        rights.writable &= (entry & Pte::writable) != 0;
        rights.user &= (entry & Pte::user) != 0;
        rights.execute &= !(entry & Pte::no_execute);
      }
      if (!leaf) {
        if (!is_pdpte) again = !set_bits(at, entry, Pte::accessed);
        table = shape_.levels == 2 ? entry & 0xfffff000 : entry & address_bits;
        continue;
      }
      if (!may(access_, rights)) return refuse(PageFaultError::present);
      again = !set_bits(at, entry, access_ == Access::write ? Pte::accessed | Pte::dirty : Pte::accessed);
      if (again) break;
      const uint64_t span = uint64_t{1} << shift;
      mapping.physical = large_page_address(entry, level) | (address_ & (span - 1) & ir::page_mask);
      mapping.readable = may(Access::read, rights);
      mapping.writable = (entry & Pte::dirty) && may(Access::write, rights);
      mapping.executable = may(Access::execute, rights);
      mapping.watched = is_watched(cpu_.state, address_, ir::page_size);
      mapping.span_watched = is_watched(cpu_.state, address_, span);
      mapping.global = (entry & Pte::global) && (cpu_.state.cr4 & Cr4::pge);
      mapping.span = span;
      return true;
    }
  }
}

}  // namespace

bool map(Cpu& cpu, uint64_t address, ir::Space space, Access access, Mapping& mapping) {
  const bool long_mode = cpu.state.efer & Efer::lma;
  if (long_mode && !is_canonical(address)) return fault(cpu, vector_gp, 0);
  if (!long_mode) address &= 0xffffffff;
  if (!(cpu.state.cr0 & Cr0::pg)) {
    mapping = {.physical = address & ir::page_mask, .readable = true, .writable = true, .executable = true};
    mapping.watched = mapping.span_watched = is_watched(cpu.state, address, ir::page_size);
    return true;
  }
  return Walk(cpu, address, space, access).run(mapping);
}

}  // namespace strata::isa::x86

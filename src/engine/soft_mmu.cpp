// Guest accesses outside the fast path: page walks, page crossings, devices, ROM, pages that hold code.
#include "engine/soft_mmu.h"

#include <algorithm>

#include "engine/copy.h"

namespace strata::engine {

using isa::Access;
using memory::Ram;

namespace {

constexpr uint64_t page_offset(uint64_t address) { return address & ~ir::page_mask; }

/// Splits [address, address + size) at page boundaries: visit(address, size) for each piece, until one says false.
template <class Visit>
bool for_each_page(uint64_t address, unsigned size, Visit visit) {
  while (size != 0) {
    const auto piece = static_cast<unsigned>(std::min<uint64_t>(size, ir::page_size - page_offset(address)));
    if (!visit(address, piece)) return false;
    address += piece;
    size -= piece;
  }
  return true;
}

}  // namespace

SoftMmu::SoftMmu(isa::Guest& guest, RamMap& ram, CodeWatch& watch)
    : guest_(guest),
      ram_(ram),
      watch_(watch),
      writers_((ram.ram().size() + ir::page_size - 1) / ir::page_size),
      large_writers_(ram.ram().size() / ir::large_page_size + 1) {
  tlbs_.push_back(std::make_unique<Tlbs>());
  now_ = tlbs_.front().get();
}

template <class Visit>
void SoftMmu::for_each_tlb(Visit visit) {
  for (const auto& tlbs : tlbs_) tlbs->for_each(visit);
}

void SoftMmu::connect(ir::ExecContext& context, std::function<void()> changed) {
  context_ = &context;
  changed_ = std::move(changed);
  context.memory = this;
  bring_in(*now_);
}

void SoftMmu::bring_in(Tlbs& tlbs) {
  now_ = &tlbs;
  for (size_t space = 0; space < ir::max_spaces; ++space) {
    context_->tlb[space] = &tlbs.data[space].entries();
    context_->code_pages[space] = tlbs.code[space].entries().pages.data();
  }
}

bool SoftMmu::place(uint64_t address, ir::Space space, Access access, Place& out) {
  const ir::TlbEntry& entry = now_->data[space].pages().at(address);
  const uint64_t number = ir::page_number(address);
  const bool hit = access == Access::write ? entry.write == number || entry.unused == number
                                           : access == Access::read && entry.read == number;
  if (!hit && !fill_from_large(address, space, access)) return walk(address, space, access, out);
  out.host = reinterpret_cast<std::byte*>(address + entry.addend);
  return true;
}

bool SoftMmu::walk(uint64_t address, ir::Space space, Access access, Place& out) {
  isa::Mapping mapping;
  ++walks_;
  if (!guest_.map(address, space, access, mapping)) return false;
  large_.note(address, mapping.span);
  out.physical = mapping.physical + page_offset(address);
  const RamMap::Window* window = ram_.find(mapping.physical, ir::page_size);
  if (window == nullptr) return true;  // a device, or RAM that shares its page with something else
  out.host = window->at(out.physical);
  out.rom = window->rom;
  out.watched = mapping.watched;
  if (access != Access::execute && !mapping.watched) fill(address, space, mapping, *window);
  return true;
}

void SoftMmu::fill(uint64_t address, ir::Space space, const isa::Mapping& mapping, const RamMap::Window& window) {
  const uint64_t page = address & ir::page_mask, number = ir::page_number(address);
  std::byte* host = window.at(mapping.physical);
  ir::TlbEntry& entry = now_->data[space].pages().fill(page, mapping.global);
  entry.addend = reinterpret_cast<uint64_t>(host) - page;
  if (mapping.readable) entry.read = number;
  if (mapping.span >= ir::large_page_size && !mapping.span_watched) fill_large(address, space, mapping);
  if (!mapping.writable || window.rom) return;
  const uint64_t offset = ram_.offset_of(host);
  const bool marked = ram_.ram().marks(offset) != 0;
  (marked ? entry.unused : entry.write) = number;
  if (!marked) writers_[offset / ir::page_size] |= writer(*now_, space);
}

/// With the piece of a large page that holds the address. It may be written only while none of its pages has marks.
void SoftMmu::fill_large(uint64_t address, ir::Space space, const isa::Mapping& mapping) {
  const uint64_t physical = mapping.physical & ir::large_page_mask, page = address & ir::large_page_mask;
  const uint64_t number = ir::large_page_number(address);
  const RamMap::Window* window = ram_.find(physical, ir::large_page_size);
  if (window == nullptr) return;
  std::byte* host = window->at(physical);
  ir::TlbEntry& entry = now_->data[space].large().fill(page, mapping.global);
  entry.addend = reinterpret_cast<uint64_t>(host) - page;
  if (mapping.readable) entry.read = number;
  const uint64_t offset = ram_.offset_of(host), last = offset + (ir::large_page_size - 1);
  if (!mapping.writable || window->rom || !ram_.ram().is_unmarked(offset, ir::large_page_size)) return;
  entry.write = number;
  for (const uint64_t byte : {offset, last}) large_writers_[byte / ir::large_page_size] |= writer(*now_, space);
}

/// False: no large entry allows the access.
bool SoftMmu::fill_from_large(uint64_t address, ir::Space space, Access access) {
  TlbSet& tlb = now_->data[space];
  const ir::TlbEntry& large = tlb.large().at(address);
  const uint64_t wanted = ir::large_page_number(address), number = ir::page_number(address);
  if (access == Access::execute || (access == Access::read ? large.read : large.write) != wanted) return false;
  ir::TlbEntry& entry = tlb.pages().fill(address, tlb.large().is_global(address));
  entry.addend = large.addend;
  if (large.read == wanted) entry.read = number;
  if (large.write != wanted) return true;
  entry.write = number;
  const auto* host = reinterpret_cast<const std::byte*>(address + entry.addend);
  writers_[ram_.offset_of(host) / ir::page_size] |= writer(*now_, space);
  return true;
}

bool SoftMmu::may_write(const Place& place, uint64_t size) {
  if (place.host == nullptr || place.rom) return true;
  const uint64_t offset = ram_.offset_of(place.host);
  if ((ram_.ram().marks(offset) & Ram::Mark::code) == 0 || watch_.about_to_write(offset, size)) return true;
  self_modification_ = true;
  return false;
}

void SoftMmu::get(const Place& place, std::byte* out, unsigned size) {
  if (place.host != nullptr) copy_guest(out, place.host, size);
  else ram_.space().read(place.physical, {out, size});
}

void SoftMmu::put(const Place& place, const std::byte* in, unsigned size) {
  if (place.host == nullptr) {
    ram_.space().write(place.physical, {in, size});
  } else if (!place.rom) {
    copy_guest(place.host, in, size);
    const uint64_t offset = ram_.offset_of(place.host);
    if (ram_.ram().marks(offset) == 0) return;
    writing_ = true;
    ram_.ram().note_write(offset, size);
    writing_ = false;
  }
}

// A page that has lost its marks is written the fast way from now on.
void SoftMmu::settle(uint64_t address, ir::Space space, const Place& place) {
  if (place.host == nullptr || place.rom || ram_.ram().marks(ram_.offset_of(place.host)) != 0) return;
  ir::TlbEntry& entry = now_->data[space].pages().at(address);
  if (entry.unused != ir::page_number(address)) return;
  entry.write = std::exchange(entry.unused, ir::TlbEntry::no_page);
  writers_[ram_.offset_of(place.host) / ir::page_size] |= writer(*now_, space);
}

bool SoftMmu::load(uint64_t address, unsigned size, ir::Space space, void* out) {
  ++slow_accesses_;
  return read(address, out, size, space);
}

bool SoftMmu::store(uint64_t address, unsigned size, ir::Space space, const void* in) {
  ++slow_accesses_;
  return write(address, in, size, space);
}

bool SoftMmu::read(uint64_t address, void* out, unsigned size, ir::Space space) {
  // A device is read only when the whole access may be made.
  if (page_offset(address) + size > ir::page_size && !probe(address, size, space, Access::read)) return false;
  auto* bytes = static_cast<std::byte*>(out);
  return for_each_page(address, size, [&](uint64_t at, unsigned piece) {
    Place where;
    if (!place(at, space, Access::read, where)) return false;
    get(where, bytes, piece);
    if (where.watched) guest_.accessed(at, piece, Access::read);
    bytes += piece;
    return true;
  });
}

bool SoftMmu::write(uint64_t address, const void* in, unsigned size, ir::Space space) {
  // Nothing is changed unless all of it may be.
  if (page_offset(address) + size > ir::page_size && !probe(address, size, space, Access::write)) return false;
  const auto* bytes = static_cast<const std::byte*>(in);
  return for_each_page(address, size, [&](uint64_t at, unsigned piece) {
    Place where;
    if (!place(at, space, Access::write, where) || !may_write(where, piece)) return false;
    put(where, bytes, piece);
    settle(at, space, where);
    if (where.watched) guest_.accessed(at, piece, Access::write);
    bytes += piece;
    return true;
  });
}

bool SoftMmu::probe(uint64_t address, unsigned size, ir::Space space, Access access) {
  return for_each_page(address, size, [&](uint64_t at, unsigned piece) {
    Place where;
    return place(at, space, access, where) && (access != Access::write || may_write(where, piece));
  });
}

void* SoftMmu::pin_for_update(uint64_t address, unsigned size, ir::Space space, bool* through_slow_path) {
  ++slow_accesses_;
  *through_slow_path = page_offset(address) + size > ir::page_size;
  Place where;
  if (*through_slow_path || !place(address, space, Access::write, where)) return nullptr;
  *through_slow_path = where.host == nullptr || where.rom;
  if (*through_slow_path || !may_write(where, size)) return nullptr;
  const uint64_t offset = ram_.offset_of(where.host);
  writing_ = true;
  ram_.ram().note_write(offset, size);
  writing_ = false;
  if ((ram_.ram().marks(offset) & Ram::Mark::code) != 0) watch_.update_follows(offset, size);
  settle(address, space, where);
  if (where.watched) guest_.accessed(address, size, Access::write);
  return where.host;
}

bool SoftMmu::code_page(uint64_t address, ir::Space space, CodePage& page) {
  const uint64_t number = ir::page_number(address);
  TlbSet::Pages& tlb = now_->code[space].pages();
  if (const ir::TlbEntry& entry = tlb.at(address); entry.read == number) {
    page = {entry.addend << ir::page_bits, 0};
    return true;
  }
  isa::Mapping mapping;
  ++walks_;
  if (!guest_.map(address, space, Access::execute, mapping)) return false;
  large_.note(address, mapping.span);
  page = {CodePage::nowhere, mapping.physical};
  const RamMap::Window* window = ram_.find(mapping.physical, ir::page_size);
  if (window == nullptr) return true;
  page.offset = ram_.offset_of(window->at(mapping.physical));
  ir::TlbEntry& filled = tlb.fill(address, mapping.global);
  filled.read = number;
  filled.addend = ir::page_number(page.offset);
  return true;
}

bool SoftMmu::fetch(uint64_t address, void* out, unsigned size, ir::Space space) {
  auto* bytes = static_cast<std::byte*>(out);
  return for_each_page(address, size, [&](uint64_t at, unsigned piece) {
    if (!fetch_page(at, bytes, piece, space)) return false;
    bytes += piece;
    return true;
  });
}

bool SoftMmu::fetch_page(uint64_t address, std::byte* out, unsigned size, ir::Space space) {
  CodePage page;
  if (!code_page(address, space, page)) return false;
  const uint64_t base = address & ir::page_mask;
  const auto known = [base](const Fetched& fetched) { return fetched.address == base; };
  if (std::none_of(fetched_.begin(), fetched_.end(), known)) fetched_.push_back({base, page});
  if (page.offset == CodePage::nowhere) {
    ram_.space().read(page.physical + page_offset(address), {out, size});
  } else {
    watch_.about_to_fetch(page.offset);  // before the bytes are read: a write from now on is seen
    copy_guest(out, ram_.ram().at(page.offset + page_offset(address)), size);
  }
  return true;
}

void SoftMmu::flush_mappings(bool flush_global) {
  changed_();
  if (!flush_global) return now_->for_each([](TlbSet& tlb) { tlb.flush(false); });
  for_each_tlb([](TlbSet& tlb) { tlb.flush(true); });
  large_.clear();
}

void SoftMmu::flush_mapping(uint64_t address) {
  changed_();
  const uint64_t page = address & ir::page_mask;
  const uint64_t span = large_.span_at(address);
  const uint64_t first = address & ~(span - 1), last = first + (span - 1);
  for (const auto& tlbs : tlbs_) {
    const bool all = tlbs.get() == now_;
    tlbs->for_each([=](TlbSet& tlb) {
      if (span == ir::page_size) tlb.pages().flush_page(page, all);
      else tlb.flush_range(first, last, all);
    });
  }
}

void SoftMmu::switch_address_space(uint64_t space, bool keep) {
  changed_();
  Tlbs& tlbs = tlbs_of(space);
  if (!keep) tlbs.for_each([](TlbSet& tlb) { tlb.flush(false); });
  bring_in(tlbs);
}

/// The TLBs of an address space; where too many are in use, those of the one that was left longest ago, emptied.
SoftMmu::Tlbs& SoftMmu::tlbs_of(uint64_t number) {
  auto found = std::find_if(tlbs_.begin(), tlbs_.end(), [=](const auto& tlbs) { return tlbs->number == number; });
  if (found == tlbs_.end()) {
    const auto slot = static_cast<unsigned>(tlbs_.size());
    if (slot < most_address_spaces) tlbs_.emplace_back(std::make_unique<Tlbs>())->slot = slot;
    else tlbs_.back()->for_each([](TlbSet& tlb) { tlb.flush(true); });
    found = std::prev(tlbs_.end());
    (*found)->number = number;
  }
  std::rotate(tlbs_.begin(), found, found + 1);
  return *tlbs_.front();
}

void SoftMmu::flush_address_space(uint64_t space) {
  changed_();
  for (const auto& tlbs : tlbs_)
    if (space == isa::Host::all_address_spaces || tlbs->number == space)
      tlbs->for_each([](TlbSet& tlb) { tlb.flush(false); });
}

/// Most pages of code have not been written by the guest of late.
void SoftMmu::protect(uint64_t page) {
  const uint32_t writers = std::exchange(writers_[page / ir::page_size], 0);
  const uint32_t large_writers = std::exchange(large_writers_[page / ir::large_page_size], 0);
  if ((writers | large_writers) == 0) return;
  const auto host = reinterpret_cast<uint64_t>(ram_.ram().at(page));
  for (const auto& tlbs : tlbs_) {
    for (unsigned space = 0; space < ir::max_spaces; ++space) {
      TlbSet& tlb = tlbs->data[space];
      if ((writers & writer(*tlbs, space)) != 0) {
        tlb.pages().for_each([host](ir::TlbEntry& entry) {
          if (entry.write == ir::TlbEntry::no_page || (entry.write << ir::page_bits) + entry.addend != host) return;
          entry.unused = std::exchange(entry.write, ir::TlbEntry::no_page);
        });
      }
      if ((large_writers & writer(*tlbs, space)) != 0) {
        tlb.large().for_each([host](ir::TlbEntry& entry) {
          if (entry.write == ir::TlbEntry::no_page) return;
          const uint64_t begin = (entry.write << ir::large_page_bits) + entry.addend;
          if (host - begin < ir::large_page_size) entry.write = ir::TlbEntry::no_page;
        });
      }
    }
  }
}

void SoftMmu::remap() {
  ram_.refresh();
  flush_mappings(true);
}

}  // namespace strata::engine

// Links of translated code, and the numbers that are written into it later.
//
// Code is written through the other mapping, by the thread that runs it or beside it. Processors notice that by the physical
// address, and fetch what is there now. What they run meanwhile is written as one.
#include "codegen/x64/x64_code.h"

#include <atomic>
#include <cstring>

#include "base/assert.h"

namespace strata::codegen::x64 {

/// In front of offset `end`.
void X64Code::write_32(size_t end, uint64_t value) {
  const auto low = static_cast<uint32_t>(value);
  std::memcpy(span.write + end - sizeof low, &low, sizeof low);
}

/// Others may run it, if they may run this code at all (Sharing): then it crosses no unit.
void X64Code::jump_to(const Link& link, const std::byte* target) {
  const CodeSpan& span = link.owner->span;
  const auto distance = static_cast<int32_t>(target - (span.run + link.jump_end));
  const size_t begin = link.jump_end - sizeof distance, within = begin % Link::unit;
  if (within > Link::unit - sizeof distance)
    return link.owner->write_32(link.jump_end, static_cast<uint32_t>(distance));
  auto* const place = reinterpret_cast<uint64_t*>(span.write + (begin - within));
  uint64_t word = *place;
  std::memcpy(reinterpret_cast<std::byte*>(&word) + within, &distance, sizeof distance);
  std::atomic_ref(*place).store(word, std::memory_order_release);  // behind the code that it leads to
}

void X64Code::keep(std::span<const Link> all_links, std::span<const interp::Step> all_steps,
                   std::span<const ExitPlace> places) {
  const auto aligned = [](size_t bytes) { return (bytes + 7) & ~size_t{7}; };
  const size_t links_at = sizeof(CodeData) + aligned(places.size_bytes());
  const size_t steps_at = links_at + all_links.size_bytes();
  records_size = static_cast<uint32_t>(steps_at + all_steps.size_bytes());
  records = std::make_unique_for_overwrite<std::byte[]>(records_size);
  const auto copy = [this](const auto& all, size_t at) {
    if (!all.empty()) std::memcpy(&records[at], all.data(), all.size_bytes());
    return records.get() + at;
  };
  copy(places, sizeof(CodeData));
  links = reinterpret_cast<Link*>(copy(all_links, links_at));
  link_count = static_cast<uint8_t>(all_links.size());
  steps = reinterpret_cast<const interp::Step*>(copy(all_steps, steps_at));
}

void X64Code::stand_in(const CodeSpan& memory) {
  span = memory;
  new (records.get()) CodeData{.code = this, .begin = span.run, .steps = steps};
}

void X64Code::set_place(uint64_t page, uint64_t page_behind) {
  const auto number = [](uint64_t offset) {
    STRATA_ASSERT(offset >> ir::page_bits < uint64_t{1} << 31, "a page of RAM has too large a number");
    return offset >> ir::page_bits;
  };
  write_32(place, number(page));
  if (crosses) write_32(place_behind, number(page_behind));
}

void X64Code::begin(std::byte* state) const {
  if (!relocatable) return;
  uint64_t pc = 0;
  std::memcpy(&pc, state + thunks->homes().pc(), sizeof pc);
  pc &= ir::page_mask;
  std::memcpy(state + thunks->homes().unit_base(), &pc, sizeof pc);
}

X64Code::~X64Code() {
  if (span.run == nullptr) return;
  unlink();
  set_invalid();
  if (calls) thunks->jumps().forget_returns();  // to this code
  thunks->memory().release(span);
}

void X64Code::set_invalid() {
  while (incoming != nullptr) cut(*incoming);
  thunks->jumps().forget(*this);
}

void X64Code::set_link(uint8_t number, Code& next) {
  auto& to = static_cast<X64Code&>(next);
  if (number >= link_count || to.data_space != data_space) return;
  Link& set = link(number);
  detach(set);
  set.next = to.incoming;
  set.previous = &to.incoming;
  if (set.next != nullptr) set.next->previous = &set.next;
  to.incoming = &set;
  // In the page where this code stands nothing needs a look.
  jump_to(set, to.span.run + (set.stays != 0 && !to.crosses ? to.near_entry : to.linked_entry));
}

/// The link leaves to the engine.
void X64Code::cut(Link& link) {
  if (link.previous == nullptr) return;
  jump_to(link, link.owner->span.run + link.unlinked);
  detach(link);
}

void X64Code::detach(Link& link) {
  if (link.previous == nullptr) return;
  *link.previous = link.next;
  if (link.next != nullptr) link.next->previous = link.previous;
  link.previous = nullptr;
}

void X64Code::unlink() {
  for (size_t number = 0; number < link_count; ++number) cut(link(number));
}

}  // namespace strata::codegen::x64

// What is written into translated code once it stands in memory: where its links jump, and in which pages it is in place.
//
// It is written by the thread that runs it, through the other mapping. Processors notice that by the physical address, and
// fetch what is there now.
#include "codegen/x64/x64_code.h"

#include <cstddef>
#include <cstring>

namespace strata::codegen::x64 {

template <class T>
void X64Code::write(size_t offset, const T& value) {
  std::memcpy(span.write + offset, &value, sizeof value);
}

void X64Code::jump_to(const Link& link, const std::byte* target) {
  X64Code& owner = link.owner();
  owner.write(link.jump_end - sizeof(int32_t), static_cast<int32_t>(target - (owner.span.run + link.jump_end)));
}

void X64Code::set_place(uint64_t page, uint64_t page_behind) {
  write(place, page);
  if (crosses) write(place_behind, page_behind);
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
  thunks->memory().release(span);
}

void X64Code::set_invalid() {
  while (incoming != nullptr) cut(*incoming);
  thunks->jumps().forget(*this);
}

void X64Code::set_link(uint8_t number, Code& next) {
  auto& to = static_cast<X64Code&>(next);
  if (number >= link_count) return;
  Link& set = link(number);
  cut(set);
  set.next = to.incoming;
  set.previous = &to.incoming;
  if (set.next != nullptr) set.next->previous = &set.next;
  to.incoming = &set;
  // In the page where this code stands nothing needs a look.
  jump_to(set, to.span.run + (set.stays && !to.crosses ? to.near_entry : to.linked_entry));
}

/// The link leaves to the engine.
void X64Code::cut(Link& link) {
  if (link.previous == nullptr) return;
  jump_to(link, link.owner().span.run + link.unlinked);
  *link.previous = link.next;
  if (link.next != nullptr) link.next->previous = link.previous;
  link.previous = nullptr;
}

void X64Code::unlink() {
  for (size_t number = 0; number < link_count; ++number) cut(link(number));
}

void X64Code::write_data() {
  code_data() = {.code = this, .places = reinterpret_cast<const ExitPlace*>(span.run + first_place)};
}

}  // namespace strata::codegen::x64

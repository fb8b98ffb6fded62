// Links of translated code: words behind it, which its jumps read.
#include "codegen/x64/x64_code.h"

#include <cstddef>
#include <cstring>

namespace strata::codegen::x64 {

void X64Code::set_place(uint64_t page, uint64_t page_behind) {
  code_data().page = page;
  code_data().page_behind = page_behind;
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
  set.target = to.span.run + (set.stays && !to.crosses ? to.near_entry : to.linked_entry);
}

/// The link leaves to the engine.
void X64Code::cut(Link& link) {
  link.target = link.owner().span.run + link.unlinked;
  if (link.previous == nullptr) return;
  *link.previous = link.next;
  if (link.next != nullptr) link.next->previous = link.previous;
  link.previous = nullptr;
}

void X64Code::unlink() {
  for (size_t number = 0; number < link_count; ++number) cut(link(number));
}

void X64Code::write_data() {
  code_data() = {.code = this, .places = reinterpret_cast<const ExitPlace*>(span.run + first_place)};
  unlink();
}

}  // namespace strata::codegen::x64

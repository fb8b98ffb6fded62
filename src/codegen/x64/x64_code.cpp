// Links of translated code: words behind it, which its jumps read.
#include "codegen/x64/x64_code.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace strata::codegen::x64 {

template <class T>
void X64Code::write_data(size_t offset, const T& value) {
  std::memcpy(span.write + data + offset, &value, sizeof value);
}

void X64Code::set_place(uint64_t page, uint64_t page_behind) {
  write_data(offsetof(CodeData, page), page);
  write_data(offsetof(CodeData, page_behind), page_behind);
}

void X64Code::begin(std::byte* state) const {
  if (!relocatable) return;
  uint64_t pc = 0;
  std::memcpy(&pc, state + pc_offset, sizeof pc);
  pc &= ir::page_mask;
  std::memcpy(state + unit_base_offset, &pc, sizeof pc);
}

X64Code::~X64Code() {
  if (span.run == nullptr) return;
  unlink();
  set_invalid();
  memory_.release(span);
}

void X64Code::set_invalid() {
  while (!incoming.empty()) incoming.back().from->cut(incoming.back().link);
  for (JumpTable::Entry* jump : jumps)
    if (leads_here(*jump)) *jump = {};
  jumps.clear();
}

void X64Code::note_jump(JumpTable::Entry& jump) {
  constexpr size_t many = 32;
  if (std::find(jumps.begin(), jumps.end(), &jump) != jumps.end()) return;
  if (jumps.size() >= many) std::erase_if(jumps, [this](const auto* known) { return !leads_here(*known); });
  jumps.push_back(&jump);
}

void X64Code::set_link(uint8_t link, Code& next) {
  auto& to = static_cast<X64Code&>(next);
  if (link >= links.size()) return;
  cut(link);
  links[link].to = &to;
  links[link].place = to.incoming.size();
  to.incoming.push_back({this, link});
  // In the page where this code stands nothing needs a look.
  const uint32_t where = links[link].stays && !to.crosses ? to.near_entry : to.linked_entry;
  write_data(sizeof(CodeData) + 8 * link, to.span.run + where);
}

/// The link leaves to the engine.
void X64Code::cut(size_t link) {
  Link& one = links[link];
  write_data(sizeof(CodeData) + 8 * link, span.run + one.unlinked);
  if (one.to == nullptr) return;
  auto& others = one.to->incoming;
  const Incoming last = others.back();
  last.from->links[last.link].place = one.place;
  others[one.place] = last;
  others.pop_back();
  one.to = nullptr;
}

void X64Code::unlink() {
  for (size_t link = 0; link < links.size(); ++link) cut(link);
}

void X64Code::write_data() {
  write_data(0, CodeData{.code = this, .places = reinterpret_cast<const ExitPlace*>(span.run + first_place)});
  unlink();
}

}  // namespace strata::codegen::x64

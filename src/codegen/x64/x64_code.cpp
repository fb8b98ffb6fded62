// Links of translated code: words behind it, which its jumps read.
#include "codegen/x64/x64_code.h"

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

void X64Code::set_invalid(bool now) {
  invalid = now;
  write_data(offsetof(CodeData, dropped), uint64_t{now});
}

void X64Code::set_link(uint8_t link, Code& next) {
  const auto& to = static_cast<const X64Code&>(next);
  if (link >= links.size()) return;
  // In the page where this code stands nothing needs a look.
  const uint32_t where = links[link].stays && !to.crosses ? to.near_entry : to.linked_entry;
  write_data(sizeof(CodeData) + 8 * link, to.span.run + where);
}

void X64Code::unlink(uint8_t link) {
  if (link < links.size()) write_data(sizeof(CodeData) + 8 * link, span.run + links[link].unlinked);
}

void X64Code::write_data() {
  write_data(0, CodeData{.code = this});
  for (size_t link = 0; link < links.size(); ++link) unlink(static_cast<uint8_t>(link));
}

}  // namespace strata::codegen::x64

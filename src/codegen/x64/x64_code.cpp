// Links of translated code: words behind it, which its jumps read.
#include "codegen/x64/x64_code.h"

#include <cstddef>
#include <cstring>

namespace strata::codegen::x64 {

template <class T>
void X64Code::write_data(size_t offset, const T& value) {
  std::memcpy(span.write + data + offset, &value, sizeof value);
}

void X64Code::set_valid(const uint64_t* generation) {
  write_data(offsetof(CodeData, generation), generation);
  write_data(offsetof(CodeData, valid_at), *generation);
}

void X64Code::set_invalid() { write_data(offsetof(CodeData, valid_at), uint64_t{0}); }

void X64Code::set_link(uint8_t link, Code& next) {
  const auto& to = static_cast<const X64Code&>(next);
  if (link < unlinked.size()) write_data(sizeof(CodeData) + 8 * link, to.span.run + to.linked_entry);
}

void X64Code::unlink() {
  for (size_t link = 0; link < unlinked.size(); ++link)
    write_data(sizeof(CodeData) + 8 * link, span.run + unlinked[link]);
}

void X64Code::write_data() {
  static const uint64_t no_generation = 1;  // never that of a new code, which is 0
  write_data(0, CodeData{this, 0, &no_generation});
  unlink();
}

}  // namespace strata::codegen::x64

// Which entries lead to which code.
#include "codegen/x64/jump_table.h"

#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

void JumpTable::take_out(uint32_t number) {
  const auto [previous, next] = neighbours(number);
  (previous != 0 ? neighbours(previous).next : entry(number).code->first_jump) = next;
  if (next != 0) neighbours(next).previous = previous;
}

void JumpTable::set(uint64_t pc, uint32_t mode, X64Code& code) {
  const auto number = static_cast<uint32_t>(index(pc) + 1);
  Entry& changed = entry(number);
  if (changed.code != &code) {
    if (changed.code != nullptr) take_out(number);
    neighbours(number) = {.previous = 0, .next = code.first_jump};
    if (code.first_jump != 0) neighbours(code.first_jump).previous = number;
    code.first_jump = number;
  }
  changed = {pc, mode, code.span.run + code.linked_entry, &code};
}

void JumpTable::forget(X64Code& code) {
  for (uint32_t number = code.first_jump; number != 0; number = neighbours(number).next) entry(number) = {};
  code.first_jump = 0;
}

}  // namespace strata::codegen::x64

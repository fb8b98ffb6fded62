// Which entries lead to which code.
#include "codegen/x64/jump_table.h"

#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

JumpTable::JumpTable() {
  static_assert(index(nobodys_) != index(0));
  entries_[index(0)].pc = nobodys_;
}

void JumpTable::take_out(uint32_t number) {
  const auto [code, previous, next] = owner(number);
  (previous != 0 ? owner(previous).next : code->first_jump) = next;
  if (next != 0) owner(next).previous = previous;
}

void JumpTable::set(uint64_t pc, X64Code& code) {
  const auto number = static_cast<uint32_t>(index(pc) + 1);
  if (Owner& changed = owner(number); changed.code != &code) {
    if (changed.code != nullptr) take_out(number);
    changed = {&code, 0, code.first_jump};
    if (code.first_jump != 0) owner(code.first_jump).previous = number;
    code.first_jump = number;
  }
  entries_[number - 1] = {pc, code.span.run + code.linked_entry};
}

void JumpTable::forget(X64Code& code) {
  for (uint32_t number = code.first_jump; number != 0;) {
    const uint32_t next = owner(number).next;
    owner(number) = {};
    entries_[number - 1] = {.pc = number - 1 == index(0) ? nobodys_ : 0};
    number = next;
  }
  code.first_jump = 0;
}

JumpTable& JumpTables::of(uint32_t mode) {
  std::unique_ptr<JumpTable>& table = tables_[mode - 1];
  if (table == nullptr) table = std::make_unique<JumpTable>();
  return *table;
}

void JumpTables::forget_returns() {
  for (const auto& table : tables_)
    if (table != nullptr) table->returns.forget();
}

}  // namespace strata::codegen::x64

// Which entries lead to which code.
#include "codegen/x64/jump_table.h"

#include <utility>

#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

JumpTable::JumpTable() {
  static_assert(index(0) / ways == 0 && index(nobodys(0)) / ways != 0);
  for (size_t index = 0; index < ways; ++index) entries_[index].pc = nobodys(index);
}

void JumpTable::clear(size_t index) {
  const auto [code, previous, next] = std::exchange(owners_[index], {});
  entries_[index] = {.pc = nobodys(index)};
  if (code == nullptr) return;
  (previous != 0 ? owner(previous).next : code->first_jump) = next;
  if (next != 0) owner(next).previous = previous;
}

void JumpTable::fill(size_t index, const Entry& entry, X64Code* code) {
  clear(index);
  if (code == nullptr) return;
  const auto number = static_cast<uint32_t>(index + 1);
  entries_[index] = entry;
  owners_[index] = {code, 0, code->first_jump};
  if (code->first_jump != 0) owner(code->first_jump).previous = number;
  code->first_jump = number;
}

/// Takes the pc's own entry. What stood there goes to the next one, and so on: the last is forgotten, or the one in which
/// the pc stood before.
void JumpTable::set(uint64_t pc, X64Code& code) {
  const size_t own = index(pc);
  Entry entry{pc, code.span.run + code.linked_entry};
  X64Code* of = &code;
  for (size_t way = 0; way < ways && of != nullptr; ++way) {
    const Entry moved = entries_[own ^ way];
    X64Code* const moved_of = owners_[own ^ way].code;
    fill(own ^ way, entry, of);
    if (moved.pc == pc) return;
    entry = moved;
    of = moved_of;
  }
}

void JumpTable::forget(X64Code& code) {
  while (code.first_jump != 0) clear(code.first_jump - 1);
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

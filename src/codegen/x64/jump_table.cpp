// Which entries lead to which code.
#include "codegen/x64/jump_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

JumpTable::JumpTable(AllJumps& all, uint32_t mode, uint32_t runner) : all_(all), mode_(mode), runner_(runner) {
  static_assert(index(0) / ways == 0 && index(nobodys(0)) / ways != 0);
  for (size_t index = 0; index < ways; ++index) rows_->entries[index].pc = nobodys(index);
}

void JumpTable::forget_all() {
  for (size_t index = 0; index < size; ++index)
    if (rows_->owners[index].code != nullptr) clear(index);
}

JumpTable::Owner& JumpTable::owner(uint32_t number) {
  return all_.table(mode_, number).rows_->owners[AllJumps::index_of(number)];
}

void JumpTable::clear(size_t index) {
  const auto [code, previous, next] = std::exchange(rows_->owners[index], {});
  rows_->entries[index] = {.pc = nobodys(index)};
  if (code == nullptr) return;
  (previous != 0 ? owner(previous).next : code->first_jump) = next;
  if (next != 0) owner(next).previous = previous;
}

void JumpTable::fill(size_t index, const Entry& entry, X64Code* code) {
  clear(index);
  if (code == nullptr) return;
  const uint32_t number = AllJumps::number(runner_, index);
  rows_->entries[index] = entry;
  rows_->owners[index] = {code, 0, code->first_jump};
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
    const Entry moved = rows_->entries[own ^ way];
    X64Code* const moved_of = rows_->owners[own ^ way].code;
    fill(own ^ way, entry, of);
    if (moved.pc == pc) return;
    entry = moved;
    of = moved_of;
  }
}

JumpTables::JumpTables(AllJumps& all) : all_(all), runner_(all.add(*this)) {}

JumpTables::~JumpTables() {
  for_each([](JumpTable& table) {
    table.forget_all();
    delete &table;
  });
  all_.remove(runner_);
}

JumpTable& JumpTables::of(uint32_t mode) {
  std::atomic<JumpTable*>& table = tables_[mode - 1];
  if (table == nullptr) table = new JumpTable(all_, mode, runner_);
  return *table;
}

JumpTable& JumpTables::begin(uint32_t mode) {
  running_ = &of(mode);
  running_->returns_used = true;
  return *running_;
}

// Code that has called us goes on to use its own.
void JumpTables::forget_returns() {
  for_each([this](JumpTable& table) {
    if (!table.returns_used) return;
    table.returns.forget();
    table.returns_used = &table == running_;
  });
}

void AllJumps::forget(X64Code& code) {
  while (const uint32_t first = code.first_jump) table(code.mode, first).clear(index_of(first));
}

void AllJumps::forget_returns() {
  for (JumpTables* tables : runners_)
    if (tables != nullptr) tables->for_each([](JumpTable& table) { table.returns.forget(); });
}

size_t AllJumps::runners() const {
  return runners_.size() - static_cast<size_t>(std::count(runners_.begin(), runners_.end(), nullptr));
}

uint32_t AllJumps::add(JumpTables& tables) {
  auto place = std::find(runners_.begin(), runners_.end(), nullptr);
  if (place == runners_.end()) place = runners_.insert(place, nullptr);
  STRATA_ASSERT(runners_.size() <= most_runners, "there are too many runners");
  *place = &tables;
  return static_cast<uint32_t>(place - runners_.begin());
}

}  // namespace strata::codegen::x64

// Where indirect jumps go on, by their target: looked up in translated code.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/zero_pages.h"
#include "codegen/x64/return_stack.h"

namespace strata::codegen::x64 {

class AllJumps;
class X64Code;

/// Of the code of one ir::Unit::mode, as one runner runs it; and where that will return to.
///
/// A pc may stand in any of the four entries of its group, which are one line of the host's cache. Code compares the one
/// that is the pc's own (`index`), and goes to a thunk that compares the others.
class JumpTable {
 public:
  static constexpr unsigned bits = 16;
  static constexpr size_t size = size_t{1} << bits;
  static constexpr size_t ways = 4;
  struct Entry {
    uint64_t pc;
    const std::byte* target;
  };
  static_assert(sizeof(Entry) == 16);
  /// Of a pc's own entry: from two copies of the pc's lower half, rotated to the right by so much. Pcs near each other
  /// have different ones, near each other.
  static constexpr unsigned rotations[] = {14, 30};
  static constexpr size_t offset_mask = (size - 1) * sizeof(Entry);
  static constexpr size_t index(uint64_t pc) {
    const auto low = static_cast<uint32_t>(pc);
    return ((std::rotr(low, rotations[0]) ^ std::rotr(low, rotations[1])) & offset_mask) / sizeof(Entry);
  }

  JumpTable(AllJumps& all, uint32_t mode, uint32_t runner);
  JumpTable(const JumpTable&) = delete;
  const Entry* entries() const { return rows_->entries.data(); }

  /// From now on jumps to this pc go to the code's linked entry.
  void set(uint64_t pc, X64Code& code);
  /// No jump goes to any code.
  void forget_all();

  ReturnStack returns;
  bool returns_used = false;  ///< since they were forgotten

 private:
  friend class AllJumps;

  /// In an entry that leads nowhere stands a pc that is not looked for there.
  static constexpr uint64_t nobodys(size_t index) { return index < ways ? uint64_t{1} << 4 : 0; }

  /// Entries that lead to the same code are a list through the tables of all runners, which begins with
  /// X64Code::first_jump; by numbers of AllJumps.
  struct Owner {
    X64Code* code;
    uint32_t previous, next;
  };
  Owner& owner(uint32_t number);
  void fill(size_t index, const Entry& entry, X64Code* code);
  void clear(size_t index);

  struct Rows {
    alignas(64) std::array<Entry, size> entries;
    std::array<Owner, size> owners;
  };

  ZeroPages<Rows> rows_;  ///< of most modes little is written
  AllJumps& all_;
  const uint32_t mode_, runner_;
};

/// Those of one runner, by the code's mode, so that nothing need be compared with it: code runs in one mode until it goes
/// to C++. An entry is two words, which are not written at once: so each runner has its own, which nobody else writes
/// while it runs.
class JumpTables {
 public:
  /// Modes that have one; others' jumps go by the engine. Linux with several processors comes to 16. A guest that tries
  /// can have each take 2 MiB of the host's.
  static constexpr uint32_t most = 64;
  static constexpr bool has(uint32_t mode) { return mode != 0 && mode <= most; }

  explicit JumpTables(AllJumps& all);
  ~JumpTables();
  JumpTables(const JumpTables&) = delete;

  JumpTable& of(uint32_t mode);
  /// The same, for code that runs now.
  JumpTable& begin(uint32_t mode);
  void forget_returns();

 private:
  friend class AllJumps;
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& each : tables_)
      if (JumpTable* const table = each.load(std::memory_order_acquire)) visit(*table);
  }

  AllJumps& all_;
  const uint32_t runner_;
  /// Owned; made by the runner's thread, while others may look which there are.
  std::array<std::atomic<JumpTable*>, most> tables_ = {};
  JumpTable* running_ = nullptr;  ///< that of the code begun last
};

/// The tables of all runners.
class AllJumps {
 public:
  /// No jump of anybody's goes to the code any more.
  void forget(X64Code& code);
  void forget_returns();
  size_t runners() const;  ///< how many there are

 private:
  friend class JumpTable;
  friend class JumpTables;

  /// Entries are numbered from 1, those of a mode apart from those of others: by runner, then by their index.
  static constexpr uint32_t number(uint32_t runner, size_t index) {
    return (runner << JumpTable::bits | static_cast<uint32_t>(index)) + 1;
  }
  static constexpr size_t index_of(uint32_t number) { return (number - 1) % JumpTable::size; }
  static constexpr uint32_t most_runners = (uint32_t{1} << (32 - JumpTable::bits)) - 1;

  JumpTable& table(uint32_t mode, uint32_t number) const {
    return *runners_[(number - 1) >> JumpTable::bits]->tables_[mode - 1].load(std::memory_order_relaxed);
  }
  uint32_t add(JumpTables& tables);
  void remove(uint32_t runner) { runners_[runner] = nullptr; }

  std::vector<JumpTables*> runners_;  ///< by number; nullptr: there is none
};

}  // namespace strata::codegen::x64

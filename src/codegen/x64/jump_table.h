// Where indirect jumps go on, by their target: looked up in translated code.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "codegen/x64/return_stack.h"

namespace strata::codegen::x64 {

class X64Code;

/// Of the code of one ir::Unit::mode; and where that will return to.
///
/// A pc may stand in any of the four entries of its group, which are one line of the host's cache. Code compares the one
/// that is the pc's own (`index`), and goes to a thunk that compares the others.
class JumpTable {
 public:
  static constexpr unsigned bits = 16;
  static constexpr size_t size = size_t{1} << bits;
  static constexpr size_t ways = 4;
  struct Entry {
    uint64_t pc = 0;
    const std::byte* target = nullptr;
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

  JumpTable();
  const Entry* entries() const { return entries_.data(); }

  /// From now on jumps to this pc go to the code's linked entry.
  void set(uint64_t pc, X64Code& code);
  /// No jump goes to the code any more.
  void forget(X64Code& code);

  ReturnStack returns;

 private:
  /// In an entry that leads nowhere stands a pc that is not looked for there.
  static constexpr uint64_t nobodys(size_t index) { return index < ways ? uint64_t{1} << 4 : 0; }

  /// Entries that lead to the same code are a list, which begins with X64Code::first_jump; by their number, from 1.
  struct Owner {
    X64Code* code = nullptr;
    uint32_t previous = 0, next = 0;
  };
  Owner& owner(uint32_t number) { return owners_[number - 1]; }
  void fill(size_t index, const Entry& entry, X64Code* code);
  void clear(size_t index);

  alignas(64) std::array<Entry, size> entries_ = {};
  std::array<Owner, size> owners_ = {};
};

/// By the code's mode, so that nothing need be compared with it: code runs in one mode until it goes to C++.
class JumpTables {
 public:
  static constexpr uint32_t most = 15;  ///< modes that have one; others' jumps go by the engine
  static constexpr bool has(uint32_t mode) { return mode != 0 && mode <= most; }

  JumpTable& of(uint32_t mode);
  void forget_returns();

 private:
  std::array<std::unique_ptr<JumpTable>, most> tables_;
};

}  // namespace strata::codegen::x64

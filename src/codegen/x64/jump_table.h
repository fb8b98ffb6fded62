// Where indirect jumps go on, by their target: looked up in translated code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "codegen/x64/return_stack.h"

namespace strata::codegen::x64 {

class X64Code;

/// Of the code of one ir::Unit::mode; and where that will return to.
class JumpTable {
 public:
  static constexpr unsigned bits = 16;
  static constexpr size_t size = size_t{1} << bits;
  struct Entry {
    uint64_t pc = 0;
    const std::byte* target = nullptr;
  };
  /// Consecutive and regular ones are spread.
  static constexpr uint32_t multiplier = 0x9e37'79b1;
  static constexpr size_t index(uint64_t pc) { return static_cast<uint32_t>(pc) * multiplier >> (32 - bits); }

  JumpTable();
  const Entry* entries() const { return entries_.data(); }

  /// From now on jumps to this pc go to the code's linked entry.
  void set(uint64_t pc, X64Code& code);
  /// No jump goes to the code any more.
  void forget(X64Code& code);

  ReturnStack returns;

 private:
  /// In an entry that leads nowhere stands a pc that is not looked up there: 0, but where that is.
  static constexpr uint64_t nobodys_ = 1;

  /// Entries that lead to the same code are a list, which begins with X64Code::first_jump; by their number, from 1.
  struct Owner {
    X64Code* code = nullptr;
    uint32_t previous = 0, next = 0;
  };
  Owner& owner(uint32_t number) { return owners_[number - 1]; }
  void take_out(uint32_t number);

  std::array<Entry, size> entries_ = {};
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

// Where indirect jumps go on, by their target: looked up in translated code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace strata::codegen::x64 {

class X64Code;

class JumpTable {
 public:
  static constexpr size_t size = 65536;
  static constexpr unsigned shift = 16;
  struct Entry {
    uint64_t pc = 0;
    uint32_t mode = 0;  ///< no unit's
    const std::byte* target = nullptr;
    X64Code* code = nullptr;  ///< in which that is
  };
  static_assert(sizeof(Entry) == 32);
  static constexpr size_t index(uint64_t pc) { return (pc ^ static_cast<uint32_t>(pc) >> shift) % size; }

  const Entry* entries() const { return entries_.data(); }

  /// From now on jumps to this pc, in this mode, go to the code's linked entry.
  void set(uint64_t pc, uint32_t mode, X64Code& code);
  /// No jump goes to the code any more.
  void forget(X64Code& code);

 private:
  /// Entries that lead to the same code are a list, which begins with X64Code::first_jump; by their number, from 1.
  struct Neighbours {
    uint32_t previous = 0, next = 0;
  };
  Entry& entry(uint32_t number) { return entries_[number - 1]; }
  Neighbours& neighbours(uint32_t number) { return neighbours_[number - 1]; }
  void take_out(uint32_t number);

  std::array<Entry, size> entries_ = {};
  std::array<Neighbours, size> neighbours_ = {};
};

}  // namespace strata::codegen::x64

// Where indirect jumps go on, by their target: looked up in translated code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace strata::codegen::x64 {

class X64Code;

struct JumpTable {
  static constexpr size_t size = 65536;
  static constexpr unsigned shift = 16;
  struct Entry {
    uint64_t pc = 0;
    uint32_t mode = 0;  ///< no unit's
    const std::byte* target = nullptr;
    const X64Code* code = nullptr;  ///< in which that is
  };
  static_assert(sizeof(Entry) == 32);
  static constexpr size_t index(uint64_t pc) { return (pc ^ static_cast<uint32_t>(pc) >> shift) % size; }

  std::array<Entry, size> entries = {};
};

}  // namespace strata::codegen::x64

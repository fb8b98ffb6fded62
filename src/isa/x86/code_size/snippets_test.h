// Typical pieces of guest code, of which the translator's output is measured.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace strata::isa::x86::code_size {

struct Snippet {
  std::string_view name;
  unsigned code_bits;  ///< 32 or 64
  std::span<const uint8_t> code;
};

/// None where this program was not built for an x86-64 host, whose assembler makes them.
std::vector<Snippet> snippets();

}  // namespace strata::isa::x86::code_size

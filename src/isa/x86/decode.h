// From bytes to Insn.
#pragma once

#include <cstdint>
#include <span>

#include "isa/x86/insn.h"

namespace strata::isa::x86 {

enum class DecodeStatus : uint8_t {
  ok,
  more,      ///< the bytes end inside the instruction
  too_long,  ///< over 15 bytes: #GP(0)
  invalid,   ///< no instruction: #UD
};

/// Decodes one instruction for code of 16, 32 or 64 bits. Never reads past `bytes`. What depends on more than the bytes
/// (privilege, CPUID) is the translator's affair.
DecodeStatus decode(std::span<const uint8_t> bytes, unsigned code_bits, Insn& out);

}  // namespace strata::isa::x86

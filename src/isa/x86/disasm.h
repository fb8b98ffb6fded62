// Instructions as text, for logs and failing tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace strata::isa::x86 {

/// One line an instruction in Intel's syntax, with address and bytes. What is no instruction is one byte, `(bad)`.
std::string disassemble(std::span<const uint8_t> code, uint64_t address, unsigned code_bits);

/// The first of them.
std::string disassemble_one(std::span<const uint8_t> code, uint64_t address, unsigned code_bits);

}  // namespace strata::isa::x86

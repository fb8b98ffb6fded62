// Which host register is for what.
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <cstdint>

namespace strata::codegen::x64 {

namespace x86 = asmjit::x86;
namespace Inst = asmjit::x86::Inst;

/// The register's lower half, or all of it.
inline x86::Gp half_or_all(const x86::Gp& reg, bool all) {
  if (all) return reg.r64();
  return reg.r32();
}

inline constexpr x86::Gp state_register = x86::rbp;
inline constexpr x86::Gp context_register = x86::r15;
/// ExecContext::insns, which is out of date while translated code runs; calls that may look see it stored.
inline constexpr x86::Gp count_register = x86::r14;
// Scratch: rax, rcx, rdx, xmm14, xmm15. All others hold values.

inline constexpr std::array<uint8_t, 9> general_registers = {3, 12, 13, 6, 7, 8, 9, 10, 11};
inline constexpr std::array<uint8_t, 6> general_lost_in_calls = {6, 7, 8, 9, 10, 11};
inline constexpr unsigned vector_registers = 14;

}  // namespace strata::codegen::x64

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

/// The TLB of the unit's data space. In a register that takes an index without a displacement: that is looked up faster.
inline constexpr x86::Gp tlb_register = x86::rbx;
/// ExecContext::insns, which is out of date while translated code runs; calls that may look see it stored. A vector
/// register, as adding to it leaves the host's flags alone.
inline constexpr x86::Xmm count_register = x86::xmm13;
// Frame and state: rsp (frame.h). Scratch: rax, rcx, rdx, xmm14, xmm15.

/// For the hottest slots of the guest's state, the hottest first (homes.h); those not needed hold values.
inline constexpr std::array<uint8_t, 8> home_registers = {5, 12, 13, 14, 15, 6, 7, 8};
/// For values.
inline constexpr std::array<uint8_t, 3> pool_registers = {9, 10, 11};
/// Of both, those that C++ does not keep.
inline constexpr std::array<uint8_t, 6> general_lost_in_calls = {6, 7, 8, 9, 10, 11};
inline constexpr bool lost_in_calls(unsigned reg) { return reg >= 6 && reg <= 11; }
/// The same of vectors. C++ keeps none of them.
inline constexpr std::array<uint8_t, 8> vector_home_registers = {0, 1, 2, 3, 4, 5, 6, 7};
inline constexpr std::array<uint8_t, 5> vector_pool_registers = {8, 9, 10, 11, 12};
inline constexpr unsigned vector_registers = vector_home_registers.size() + vector_pool_registers.size();

}  // namespace strata::codegen::x64

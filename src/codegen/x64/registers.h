// Which host register is for what.
#pragma once

#include <asmjit/x86.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "ir/runtime.h"

namespace strata::codegen::x64 {

namespace x86 = asmjit::x86;
namespace Inst = asmjit::x86::Inst;

/// The register's lower half, or all of it.
inline x86::Gp half_or_all(const x86::Gp& reg, bool all) {
  if (all) return reg.r64();
  return reg.r32();
}

/// The TLB of the unit's data space.
inline constexpr x86::Gp tlb_register = x86::rbx;
/// It does not hold where the TLB begins, but an address that is its own count of bits: shifted by it as the host's shrx
/// counts, by the lowest five bits, an address says where its entry is, half as far as that is from the first.
struct TlbRegister {
  static constexpr unsigned shift = 8;
  static constexpr int32_t offset = offsetof(ir::Tlb, pages) + shift;  ///< from the TLB's begin
  static_assert(offset % 32 == shift && alignof(ir::Tlb) % 32 == 0);

  static constexpr int32_t to_count(unsigned insns) {
    return static_cast<int32_t>(offsetof(ir::Tlb, counts) + sizeof(ir::SmallCounts::Count) * insns) - offset;
  }
};
static_assert(TlbRegister::to_count(1) >= -128 && TlbRegister::to_count(ir::SmallCounts::most) < 0);
/// ExecContext::insns, which is out of date while translated code runs; calls that may look see it stored. A vector
/// register, as adding to it leaves the host's flags alone.
inline constexpr x86::Xmm count_register = x86::xmm7;
// Frame and state: rsp (frame.h). Scratch: rax, rcx, rdx, xmm14, xmm15.

/// For the hottest slots of the guest's state, the hottest first (homes.h); those not needed hold values.
inline constexpr std::array<uint8_t, 8> home_registers = {5, 12, 13, 14, 15, 6, 7, 8};
/// For values.
inline constexpr std::array<uint8_t, 3> pool_registers = {9, 10, 11};
/// Of both, those that C++ does not keep.
inline constexpr std::array<uint8_t, 6> general_lost_in_calls = {6, 7, 8, 9, 10, 11};
inline constexpr bool lost_in_calls(unsigned reg) { return reg >= 6 && reg <= 11; }
/// The same of vectors. C++ keeps none of them.
inline constexpr std::array<uint8_t, 8> vector_home_registers = {0, 1, 2, 3, 4, 5, 6, 8};
inline constexpr std::array<uint8_t, 5> vector_pool_registers = {9, 10, 11, 12, 13};
/// Both.
inline constexpr std::array<uint8_t, 13> vector_registers = {0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13};

}  // namespace strata::codegen::x64

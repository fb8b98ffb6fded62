// Where calls will return to, as translated code keeps it beside the guest's own stack.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace strata::codegen::x64 {

/// A ring: what is pushed last stands on top; the deepest are overwritten. Code moves the top by the low byte of its address
/// alone.
struct alignas(512) ReturnStack {
  static constexpr size_t depth = 32;
  static constexpr int32_t to_target = depth * sizeof(uint64_t);  ///< from a pc on

  std::array<uint64_t, depth> pcs = {};
  /// Code that goes on there, behind a call of the host's; nullptr: forgotten.
  std::array<const std::byte*, depth> targets = {};
  void* top = pcs.data();  ///< while no code runs

  /// May be another thread's than that which uses it now, and then in vain.
  void forget() {
    for (const std::byte*& target : targets) std::atomic_ref(target).store(nullptr, std::memory_order_relaxed);
  }
};
static_assert(ReturnStack::to_target == 256 && offsetof(ReturnStack, targets) == ReturnStack::to_target);

}  // namespace strata::codegen::x64

// Debug registers: breakpoints on code, and single steps (SDM vol. 3, chapter 17).
#pragma once

#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

struct Dr6 {
  static constexpr uint64_t fixed = 0xffff0ff0, bd = 1u << 13, bs = 1u << 14, bt = 1u << 15;
};
struct Dr7 {
  static constexpr uint64_t fixed = 1u << 10, gd = 1u << 13, enabled = 0xff;
};

/// Whether DR7 enables any breakpoint on execution: units then have one instruction each.
bool has_code_breakpoints(const State& state);

}  // namespace strata::isa::x86

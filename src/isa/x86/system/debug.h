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

/// Whether DR7 enables any breakpoint: units then have one instruction each, so that traps come right behind it.
bool has_breakpoints(const State& state);

/// Whether a breakpoint on data stands in the page of `span` bytes that holds the address.
bool is_watched(const State& state, uint64_t address, uint64_t span);

/// Notes the breakpoints that an access hits.
void note_access(Cpu& cpu, uint64_t address, unsigned size, Access access);

/// Whether a trap is due behind the instruction that ran, by single step or data breakpoint; DR6 then says so.
bool take_debug_trap(Cpu& cpu);

}  // namespace strata::isa::x86

// The loop of translation: from code bytes to a unit of IR.
#pragma once

#include "isa/guest.h"
#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

/// What Guest::translate promises. A unit ends at a branch, where the mode may have changed, in front of an instruction
/// that reaches into another page (unless it is the unit's first), and after one instruction under Mode::trap, ::shadow
/// and ::breakpoints.
ir::Unit translate_unit(Cpu& cpu, const CodeKey& key, unsigned max_insns);

}  // namespace strata::isa::x86

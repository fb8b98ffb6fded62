// The helpers of FXSAVE, FXRSTOR, XSAVE and XRSTOR: x87 and SSE state in memory (SDM vol. 1, 10.5 and 13).
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

// `address` is linear and aligned as the instruction wants; `bits` is 64 for the forms with REX.W, whose instruction and
// data pointers have 64 bits; `registers` is how many XMM registers the mode has, 8 or 16. The restoring ones may change
// the mode.
extern const ir::Helper fxsave;   // (i64 address, i8 bits, i8 registers)
extern const ir::Helper fxrstor;  // (i64 address, i8 bits, i8 registers)
extern const ir::Helper xsave;    // (i64 address, i8 bits, i8 registers); EDX:EAX says what
extern const ir::Helper xrstor;   // (i64 address, i8 bits, i8 registers)

}  // namespace strata::isa::x86::helpers

// The 16-byte compare and exchange.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

/// CMPXCHG16B: (i64 aligned address, i8 space) -> i8: 1 where memory was RDX:RAX and is now RCX:RBX; else RDX:RAX is
/// loaded.
extern const ir::Helper compare_exchange_16;

}  // namespace strata::isa::x86::helpers

// CMPXCHG16B where other processors may come between.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

/// (i64 address, aligned; i8 space) -> i8: sets RAX and RDX to the old value, and gives whether it was as expected.
extern const ir::Helper compare_exchange_128;

}  // namespace strata::isa::x86::helpers

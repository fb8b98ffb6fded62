// Decimal adjustments.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

/// (i64 AX, i32 flags, i8 base) -> i64: AX in bits 0..15, flags above bit 32. Pure. The base is AAM's and AAD's, not 0.
extern const ir::Helper daa, das, aaa, aas, aam, aad;

}  // namespace strata::isa::x86::helpers

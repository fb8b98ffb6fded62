// Gathering and scattering of bits, for PEXT and PDEP.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

/// (i64 source, i64 mask) -> i64, pure.
extern const ir::Helper extract_bits, deposit_bits;

}  // namespace strata::isa::x86::helpers

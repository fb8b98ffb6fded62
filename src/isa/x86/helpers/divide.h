// Division of RDX:RAX by 64 bits.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

/// (i64 divisor): sets RAX and RDX, or raises #DE.
extern const ir::Helper divide_unsigned_128, divide_signed_128;

}  // namespace strata::isa::x86::helpers

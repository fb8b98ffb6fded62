// Segment limits and types, for segments of which the mode says nothing.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

/// (i8 SegmentName, i64 offset, i16 size, i8 write) -> i1: whether protected mode refuses the access (SDM vol. 3, 5.3
/// and 5.5).
extern const ir::Helper segment_refuses;

}  // namespace strata::isa::x86::helpers

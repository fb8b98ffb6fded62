// Segment limits and types, for segments of which the mode says nothing.
#pragma once

#include "ir/unit.h"
#include "isa/x86/state.h"

namespace strata::isa::x86::helpers {

/// (i8 SegmentName, i64 offset, i16 size, i8 write) -> i1: whether protected mode refuses the access (SDM vol. 3, 5.3
/// and 5.5).
extern const ir::Helper segment_refuses;

/// The same for helpers, in whatever mode of 16 or 32 bits.
bool segment_refuses_now(const State& state, SegmentName name, uint64_t offset, uint64_t size, bool write);

}  // namespace strata::isa::x86::helpers

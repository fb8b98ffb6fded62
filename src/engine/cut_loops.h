// Takes the loops out of a unit, so that it runs each of its instructions at most once.
#pragma once

#include "ir/unit.h"

namespace strata::engine {

/// Jumps backwards to a block that begins with a guest instruction become exits to that instruction's pc. Loops inside
/// one instruction stay. Afterwards a run counts at most Unit::guest_insns instructions.
void cut_loops(ir::Unit& unit);

}  // namespace strata::engine

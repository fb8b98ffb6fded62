// The passes, each in a file of its own; Pipeline (ir/passes/pipeline.h) runs them.
#pragma once

#include "ir/unit.h"

namespace strata::ir {

/// Writes the unit anew through the emitter: constants fold, known slots are read no more, conditions become
/// comparisons, equal values are computed once, sets of what the slot holds already go. Blocks that only one jump
/// leads to are joined with the one before, and blocks that nothing leads to go.
void simplify(Unit& unit);

/// Flags that a block sets for those behind it are set by those, of the slots as they stand there, where one of them
/// sets others first: there that becomes a sunk set, or none. For that the end of a loop's round is continued with a
/// copy of the loop's first block, which only rounds behind the first run.
void hand_on_flags(Unit& unit);

/// Marks sets as sunk where the slot is set again before anyone but an exit can see it.
void sink_sets(Unit& unit);

/// Removes what nobody wants, sets that no block behind sees among it, sinks values that only sunk sets want, and closes
/// the gaps in the code.
void remove_dead(Unit& unit);

}  // namespace strata::ir

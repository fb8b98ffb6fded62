// The passes, each in a file of its own; Pipeline (ir/passes/pipeline.h) runs them.
#pragma once

#include "ir/unit.h"

namespace strata::ir {

/// Writes the unit anew through the emitter: constants fold, known slots are read no more, conditions become
/// comparisons, equal values are computed once, sets of what the slot holds already go. Blocks that only one jump
/// leads to are joined with the one before, and blocks that nothing leads to go.
void simplify(Unit& unit);

/// Marks sets as sunk where the slot is set again before anyone but an exit can see it.
void sink_sets(Unit& unit);

/// Removes what nobody wants, sinks values that only sunk sets want, and closes the gaps in the code.
void remove_dead(Unit& unit);

}  // namespace strata::ir

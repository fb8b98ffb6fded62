// The rules by which pure instructions become simpler: the one place where they are written down.
#pragma once

#include "ir/emitter.h"

namespace strata::ir {

/// Looks at a pure instruction about to be appended. Gives the older (or newly emitted, simpler) value that it equals,
/// or no_value; then `instr` itself, perhaps rewritten to an equal form, is to be appended.
Value simplify(Emitter& emitter, Instr& instr);

// The groups, each in a file of its own; the same contract. Constant operands of commutative operations stand right.
Value simplify_integer(Emitter& emitter, Instr& instr);
Value simplify_shift(Emitter& emitter, Instr& instr);
Value simplify_compare(Emitter& emitter, Instr& instr);
Value simplify_conversion(Emitter& emitter, Instr& instr);
Value simplify_carry(Emitter& emitter, Instr& instr);
Value simplify_flags(Emitter& emitter, Instr& instr);
Value simplify_cond(Emitter& emitter, Instr& instr);
Value simplify_vector(Emitter& emitter, Instr& instr);

/// The opposite of a truth value.
Value inverted(Emitter& emitter, Value truth);

/// A comparison of two values of a type, or its opposite.
Value compared(Emitter& emitter, Op op, Type type, Value a, Value b, bool opposite);

}  // namespace strata::ir

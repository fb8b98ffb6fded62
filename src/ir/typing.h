// The typing rules of single instructions: what the builder asserts and the verifier reports.
#pragma once

#include "ir/unit.h"

namespace strata::ir {

/// What is wrong with the types, lanes, operand count or immediate of an instruction whose operands stand in
/// unit.code; nullptr if nothing is. Where the operands stand, and targets of jumps, are not looked at.
const char* type_error(const Unit& unit, const Instr& instr);

}  // namespace strata::ir

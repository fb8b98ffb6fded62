// Single steps: for other back ends, which hand the interpreter an operation now and then.
#pragma once

#include <cstdint>
#include <vector>

#include "codegen/interp/step.h"
#include "ir/unit.h"

namespace strata::codegen::interp {

/// Appends the step of an operation that only computes (pure or of the floating-point environment, no constant, no
/// call). Operands and result are numbers of cells, two cells for 16 bytes; a result has zeros above it.
void append_operation(std::vector<Step>& steps, const ir::Unit& unit, const ir::Instr& instr, uint16_t result,
                      const uint16_t* operands);

/// The step that writes a constant to a cell, or two.
void append_constant(std::vector<Step>& steps, const ir::Unit& unit, const ir::Instr& instr, uint16_t result);

/// The step that sets a slot from a cell.
void append_set(std::vector<Step>& steps, const ir::Slot& slot, uint16_t from);

/// What a run of steps ends with.
void append_end(std::vector<Step>& steps);

/// Makes an atomic update: operands and result are cells, as above. False: refused.
using AtomicUpdate = bool (*)(const Step* step, std::byte* state, std::byte* frame, ir::ExecContext* context);
AtomicUpdate atomic_update(ir::Op op, ir::Type type);

}  // namespace strata::codegen::interp

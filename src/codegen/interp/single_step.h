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

/// The step that reads an integer slot.
void append_get(std::vector<Step>& steps, const ir::Slot& slot, uint16_t result);

/// The step that sets a slot from a cell.
void append_set(std::vector<Step>& steps, const ir::Slot& slot, uint16_t from);

/// What a run of steps ends with.
void append_end(std::vector<Step>& steps);

/// Which atomic update it is, in a register.
struct AtomicShape {
  ir::Op op;
  ir::Type type;
  ir::Space space;

  constexpr uint32_t packed() const {
    return static_cast<uint32_t>(op) | static_cast<uint32_t>(type) << 8 | uint32_t{space} << 16;
  }
  static constexpr AtomicShape unpack(uint32_t packed) {
    return {static_cast<ir::Op>(packed & 0xff), static_cast<ir::Type>(packed >> 8 & 0xff),
            static_cast<ir::Space>(packed >> 16)};
  }
};

/// Makes an atomic update. words[0] is the operand, and then the old value; words[1] the new value of atomic_cas. False:
/// refused.
bool atomic_update(ir::ExecContext& context, uint64_t address, AtomicShape shape, uint64_t* words);

}  // namespace strata::codegen::interp

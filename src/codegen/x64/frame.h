// The frame on the host's stack that all translated code of a processor shares while it runs, and its registers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codegen/interp/operand.h"
#include "codegen/interp/step.h"

namespace strata::codegen::x64 {

/// From the stack pointer up: addresses of thunks, then an interpreter's frame, so that single steps of the interpreter
/// run on it: its header, and cells of 8 bytes.
struct Frame {
  enum Thunk : unsigned { leave, exit, slow_load, slow_store, thunks };
  static constexpr int32_t thunk(Thunk which) { return static_cast<int32_t>(which) * 8; }
  static constexpr int32_t header = 64;
  static constexpr int32_t scratch = header + static_cast<int32_t>(offsetof(interp::FrameHeader, scratch));
  static constexpr int32_t cells = header + static_cast<int32_t>(sizeof(interp::FrameHeader));
  static constexpr int32_t cell(unsigned number) { return cells + static_cast<int32_t>(number) * 8; }

  // Cells: where thunks save registers, by the host's numbers; values without a register; what exits compute.
  static constexpr unsigned vectors = 16;  ///< two cells each
  static constexpr unsigned values = 48;
  static constexpr unsigned temporaries = 17'000;
  static constexpr unsigned all_cells = 18'000;
  /// Six registers and a return address are pushed above: this keeps the stack pointer aligned.
  static constexpr int32_t size = (cells + static_cast<int32_t>(all_cells) * 8 + 15) / 16 * 16 + 8;
};
static_assert(Frame::thunks * 8 <= Frame::header && Frame::header % alignof(interp::FrameHeader) == 0);
static_assert(Frame::all_cells < interp::max_cells);

}  // namespace strata::codegen::x64

// The frame that all translated code of a processor shares while it runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codegen/interp/operand.h"
#include "codegen/interp/step.h"
#include "ir/runtime.h"

namespace strata::codegen::x64 {

/// It stands in the ir::BackendRoom in front of the guest's state, and is the stack of translated code, which pushes no
/// more than a few words; signal handlers have what is below. C++ is called on the thread's own stack.
///
/// From the stack pointer up: what code reads of the context, addresses of thunks, then an interpreter's frame, so that
/// single steps of the interpreter run on it: its header, and cells of 8 bytes; then the state.
struct Frame {
  static constexpr int32_t context = 0;  ///< the ExecContext; and what it has, its TLBs first
  static constexpr int32_t tlb(uint64_t space) { return 8 + static_cast<int32_t>(space) * 8; }
  static constexpr int32_t code_tlb(uint64_t space) { return tlb(ir::max_spaces + space); }
  static constexpr int32_t jumps = 8 + 2 * static_cast<int32_t>(ir::max_spaces) * 8;
  static constexpr int32_t insn_limit = jumps + 8;
  static constexpr int32_t returns = insn_limit + 8;  ///< the top of the ReturnStack
  static constexpr int32_t stack = returns + 8;   ///< the thread's own; on top of it stands the address of the frame
  static constexpr int32_t data_tlb = stack + 8;  ///< where in the context the TLB stands that is for tlb_register

  enum Thunk : unsigned {
    slow,  ///< at ExitPlace number cx of the CodeData rdx
    // Calls of C++: the first two for functions that see the state, the others for those that do not.
    save,
    call_and_load,
    spare,
    call_and_restore,
    load_vectors,  ///< to their homes; keeps all other registers
    other_ways,    ///< jumps to pc rdx, of the table's group of the entry rcx; or to rax
    thunks
  };
  /// The addend of the page that Neighbours share; 0: each looks for itself. Behind them a word that nobody reads.
  static constexpr unsigned pages = 16;
  static constexpr int32_t page(unsigned number) { return data_tlb + 8 + static_cast<int32_t>(number) * 8; }
  static constexpr int32_t thunk(unsigned which) { return page(pages + 1 + which); }
  /// A byte: whether vectors stand in their homes, or 0: in the state. Code that wants them there sees to it.
  static constexpr int32_t vectors_live = data_tlb + 8 + int32_t{pages + 1 + thunks} * 8;
  /// A word that overflows at each eighth access that a large page served, whatever stands there at first.
  static constexpr int32_t large_hits = vectors_live + 4;
  static constexpr int32_t no_carry = large_hits + 4;  ///< a byte: 1 if the slow thunk was come to without a carry

  static constexpr int32_t header = 320;
  static constexpr int32_t scratch = header + static_cast<int32_t>(offsetof(interp::FrameHeader, scratch));
  static constexpr int32_t cells = header + static_cast<int32_t>(sizeof(interp::FrameHeader));
  static constexpr int32_t cell(unsigned number) { return cells + static_cast<int32_t>(number) * 8; }

  // Cells: where thunks save registers, by the host's numbers; values without a register; what exits compute.
  static constexpr unsigned vectors = 16;  ///< two cells each
  static constexpr unsigned values = 48;
  static constexpr unsigned temporaries = 17'000;
  static constexpr unsigned all_cells = 18'000;

  /// Processors guess by register and displacement which store a load is of, and some (Zen 5) by the displacement's
  /// lowest ten bits only: so the state's begin, where code reads and writes all the time, shares these with words that
  /// only thunks use (docs/decisions/0033).
  static constexpr int32_t state = (cells + static_cast<int32_t>(all_cells) * 8 + 1023) / 1024 * 1024 + header;
  static constexpr size_t for_signal_handlers = 32 * 1024;
};
static_assert(Frame::for_signal_handlers + Frame::state <= sizeof(ir::BackendRoom));
static_assert(Frame::jumps == Frame::code_tlb(ir::max_spaces) && Frame::thunk(Frame::thunks) == Frame::vectors_live);
static_assert(Frame::no_carry < Frame::header);
static_assert(Frame::header % alignof(interp::FrameHeader) == 0);
static_assert(Frame::all_cells < interp::max_cells);

}  // namespace strata::codegen::x64

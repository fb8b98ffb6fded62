// The frame that all translated code of a processor shares while it runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codegen/interp/operand.h"
#include "codegen/interp/step.h"
#include "ir/runtime.h"

namespace strata::codegen::x64 {

/// It stands in the ir::BackendRoom in front of the guest's state, at which the stack pointer of translated code stands.
///
/// From the stack pointer down: one word for what code pushes; words that code asks for often, which short instructions
/// reach; what signal handlers have (they leave these words alone, as they do any red zone); other words; an interpreter's
/// frame, so that single steps of the interpreter run on it: cells of 8 bytes, and its header in front of them.
struct Frame {
  static constexpr int32_t state = 0;

  static constexpr int32_t near = -128;
  static constexpr unsigned near_spaces = 2, near_pages = 4, near_values = 6;
  static constexpr int32_t context = near;  ///< the ExecContext; and what it has, here and below
  static constexpr int32_t jumps = near + 8;
  static constexpr int32_t returns = -16;  ///< the top of the ReturnStack
  static constexpr int32_t code_pages(uint64_t space) {
    return space < near_spaces ? near + 16 + static_cast<int32_t>(space) * 8
                               : far_code_pages + static_cast<int32_t>(space - near_spaces) * 8;
  }

  /// The addend of the page that Neighbours share; 0: each looks for itself. Behind them a word that nobody reads.
  static constexpr unsigned pages = 16;
  static constexpr int32_t first_near_page = near + 16 + int32_t{near_spaces} * 8;
  static constexpr int32_t page(unsigned number) {
    return number < near_pages ? first_near_page + static_cast<int32_t>(number) * 8
                               : first_far_page + static_cast<int32_t>(number - near_pages) * 8;
  }

  static constexpr size_t for_signal_handlers = 32 * 1024;
  static constexpr int32_t other_words = -34 * 1024 + 448;
  static constexpr int32_t tlb(uint64_t space) { return other_words + static_cast<int32_t>(space) * 8; }
  static constexpr int32_t far_code_pages = other_words + static_cast<int32_t>(ir::max_spaces) * 8;
  static constexpr int32_t insn_limit = far_code_pages + static_cast<int32_t>(ir::max_spaces - near_spaces) * 8;
  static constexpr int32_t stack = insn_limit + 8;  ///< the thread's own; on top of it stands the address of the frame
  static constexpr int32_t data_tlb = stack + 8;    ///< where in the context the TLB stands that is for tlb_register
  static constexpr int32_t first_far_page = data_tlb + 8;
  static constexpr int32_t first_thunk = first_far_page + int32_t{pages + 1 - near_pages} * 8;

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
  static constexpr int32_t thunk(unsigned which) { return first_thunk + static_cast<int32_t>(which) * 8; }
  /// A byte: whether vectors stand in their homes, or 0: in the state. Code that wants them there sees to it.
  static constexpr int32_t vectors_live = first_thunk + int32_t{thunks} * 8;
  /// A word that overflows at each eighth access that a large page served, whatever stands there at first.
  static constexpr int32_t large_hits = vectors_live + 4;
  static constexpr int32_t no_carry = large_hits + 4;  ///< a byte: 1 if the slow thunk was come to without a carry

  /// Processors guess by register and displacement which store a load is of, and some (Zen 5) by the displacement's
  /// lowest ten bits only: so what code asks for often shares these with nothing else that it does
  /// (docs/decisions/0033). Those of other_words and of the cells for values are chosen for that.
  static constexpr int32_t cells = -176 * 1024 + 256;
  static constexpr int32_t scratch =
      cells - static_cast<int32_t>(sizeof(interp::FrameHeader) - offsetof(interp::FrameHeader, scratch));
  static constexpr int32_t cell(unsigned number) { return cells + static_cast<int32_t>(number) * 8; }

  // Cells: where thunks save registers, by the host's numbers; values without a register; what exits compute.
  static constexpr unsigned vectors = 16;  ///< two cells each
  static constexpr unsigned far_values = 48;
  static constexpr unsigned temporaries = 17'000;
  static constexpr unsigned all_cells = 18'000;

  /// The cell of the value with that number, from 0 on: the first are near. Those of an even number and the next stand
  /// side by side.
  static constexpr unsigned value_cell(unsigned number) {
    return number < near_values ? first_near_value + number : far_values + number - near_values;
  }
  static constexpr int32_t near_value_words = first_near_page + int32_t{near_pages} * 8;
  static constexpr unsigned first_near_value = static_cast<unsigned>(near_value_words - cells) / 8;
};
static_assert(Frame::near_value_words + int32_t{Frame::near_values} * 8 == Frame::returns && Frame::returns + 8 == -8,
              "the word for what code pushes is free");
static_assert(Frame::near_value_words % 16 == 0 && Frame::cells % 16 == 0, "where C++ takes vectors to stand");
static_assert(Frame::no_carry + 8 + static_cast<int32_t>(Frame::for_signal_handlers) <= Frame::near);
static_assert(Frame::cell(Frame::all_cells) <= Frame::other_words);
static_assert(Frame::cells % alignof(interp::FrameHeader) == 0);
static_assert(static_cast<int32_t>(sizeof(interp::FrameHeader) + alignof(interp::FrameHeader)) - Frame::cells <=
              static_cast<int32_t>(sizeof(ir::BackendRoom)));
static_assert(Frame::near_values % 2 == 0);
static_assert(Frame::value_cell(Frame::near_values - 1) < interp::max_cells);

}  // namespace strata::codegen::x64

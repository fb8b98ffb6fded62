// A unit lowered to steps, with what is needed to leave it at any of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "codegen/backend.h"
#include "codegen/interp/step.h"
#include "ir/unit.h"

namespace strata::codegen::interp {

/// What changes, from a step on, in how far the state lags behind.
struct Mark {
  enum Kind : uint32_t {
    insn,      ///< a guest instruction begins: its pc is to be written, it is one more to be counted
    insn_far,  ///< the same, with a pc too far from the unit's: `value` is its number among the far ones
    pc_done,   ///< the pc slot holds what it should
    all_done   ///< that, and all instructions so far are counted
  };
  uint32_t at : 29;
  uint32_t kind : 2;
  uint32_t at_insn : 1;  ///< the pc is that of an instruction yet to be done, or done anew
  int32_t value =
      0;  ///< insn: pc less that of the unit; all_done: the step at which the block's exit stub begins, or 0
};

/// Steps, far pcs and marks stand right behind the object: one allocation a unit.
class Program final : public Code {
 public:
  struct Shape {
    uint64_t guest_pc = 0;
    uint32_t pc_offset = 0;  ///< of the pc slot in the state
    uint32_t cells = 0;      ///< that the largest block needs
    uint32_t entry = 0;      ///< where the first block begins; step 0 is it, or leads there
  };
  static std::unique_ptr<Program> make(const Shape& shape, std::span<const Step> steps, std::span<const Mark> marks,
                                       std::span<const uint64_t> far_pcs);
  static void operator delete(void* memory) { ::operator delete(memory); }

  size_t bytes() const override { return sizeof *this + extra_; }
  std::span<const Step> steps() const { return {reinterpret_cast<const Step*>(this + 1), step_count_}; }
  const Shape& shape() const { return shape_; }

  /// Brings the state up to date for an exit at a step that has not been done.
  void settle(uint32_t at, ir::ExitKind kind, std::byte* state, std::byte* frame, ir::ExecContext& context) const;

 private:
  static void* operator new(size_t size, size_t extra) { return ::operator new(size + extra); }
  static void operator delete(void* memory, size_t) { ::operator delete(memory); }
  explicit Program(const Shape& shape) : shape_(shape) {}

  const Mark* marks() const { return reinterpret_cast<const Mark*>(steps().data() + step_count_); }
  uint64_t pc_of(const Mark& mark) const;

  Shape shape_;
  uint32_t step_count_ = 0, mark_count_ = 0;
  uint32_t extra_ = 0;  ///< bytes behind the object: steps, far pcs, marks
};

}  // namespace strata::codegen::interp

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

/// How far the state lags behind where the program is left at step `at`, or behind it and before the next mark.
struct Mark {
  enum Kind : uint16_t {
    near,  ///< the pc slot is to get the unit's pc plus `value`
    far,   ///< the pc slot is to get number `value` of the far pcs
    done,  ///< the pc slot holds what it should
    stub   ///< no such thing: a block begins whose exit stub begins at step `value`
  };
  uint16_t at;
  uint16_t kind : 2;
  uint16_t at_insn : 1;     ///< the pc is that of an instruction yet to be done, or done anew
  uint16_t begun : 1;       ///< an instruction has been begun
  uint16_t uncounted : 12;  ///< instructions begun that ExecContext::insns knows nothing of
  int32_t value;

  static constexpr unsigned most_uncounted = (1u << 12) - 1;
  bool same_but_for_place(const Mark& other) const {
    return kind == other.kind && at_insn == other.at_insn && begun == other.begun && uncounted == other.uncounted &&
           value == other.value;
  }
};
static_assert(sizeof(Mark) == 8);

/// Steps, marks and far pcs stand right behind the object: one allocation a unit.
class Program final : public Code {
 public:
  struct Shape {
    uint64_t guest_pc = 0;
    uint32_t pc_offset = 0;  ///< of the pc slot in the state
    uint32_t cells = 0;      ///< that the largest block needs
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
  const Step* stub_for(uint32_t at, const Mark* mark) const;

  Shape shape_;
  uint32_t step_count_ = 0, mark_count_ = 0;
  uint32_t extra_ = 0;  ///< bytes behind the object: steps, marks, far pcs
};

}  // namespace strata::codegen::interp

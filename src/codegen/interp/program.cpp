// Making programs, and leaving them.
#include "codegen/interp/program.h"

#include <algorithm>
#include <cstring>

namespace strata::codegen::interp {

static_assert(sizeof(Program) % alignof(Step) == 0 && alignof(Mark) <= alignof(Step));

std::unique_ptr<Program> Program::make(const Shape& shape, std::span<const Step> steps, std::span<const Mark> marks,
                                       std::span<const uint64_t> far_pcs) {
  const size_t extra = steps.size_bytes() + marks.size_bytes() + far_pcs.size_bytes();
  std::unique_ptr<Program> program(new (extra) Program(shape));
  program->step_count_ = static_cast<uint32_t>(steps.size());
  program->mark_count_ = static_cast<uint32_t>(marks.size());
  program->extra_ = static_cast<uint32_t>(extra);
  auto* to = reinterpret_cast<std::byte*>(program.get() + 1);
  const auto append = [&to](const auto& items) {
    if (!items.empty()) std::memcpy(to, items.data(), items.size_bytes());
    to += items.size_bytes();
  };
  append(steps);
  append(marks);
  append(far_pcs);
  return program;
}

uint64_t Program::pc_of(const Mark& mark) const {
  if (mark.kind == Mark::insn) return shape_.guest_pc + static_cast<uint64_t>(int64_t{mark.value});
  uint64_t pc;
  const auto* far_pcs = reinterpret_cast<const std::byte*>(marks() + mark_count_);
  std::memcpy(&pc, far_pcs + static_cast<uint32_t>(mark.value) * sizeof pc, sizeof pc);
  return pc;
}

void Program::settle(uint32_t at, ir::ExitKind kind, std::byte* state, std::byte* frame,
                     ir::ExecContext& context) const {
  const Mark* mark = std::upper_bound(marks(), marks() + mark_count_, at,
                                      [](uint32_t step, const Mark& other) { return step < other.at; });
  --mark;  // every block begins with a mark
  const bool pc_lags = mark->kind <= Mark::insn_far;
  const bool before_insn = mark->at_insn;
  if (pc_lags) {
    const uint64_t pc = pc_of(*mark);
    std::memcpy(state + shape_.pc_offset, &pc, sizeof pc);
  }
  uint64_t done = 0;
  for (; mark->kind != Mark::all_done; --mark) done += mark->kind <= Mark::insn_far;

  // Not done is the instruction at which a fault stops the guest, if one has been begun, and one that an event precedes.
  const bool begun = done != 0 || mark->at != shape_.entry;
  const bool fault = kind == ir::ExitKind::memory || kind == ir::ExitKind::trap;
  const bool undone = (fault && begun) || (kind == ir::ExitKind::event && before_insn);
  context.insns += done - (undone ? 1 : 0);
  if (mark->value != 0) {
    header_of(frame).left_at = at;
    run_steps(steps().data() + mark->value, state, frame, context);
  }
}

}  // namespace strata::codegen::interp

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
  if (mark.kind == Mark::near) return shape_.guest_pc + static_cast<uint64_t>(int64_t{mark.value});
  uint64_t pc;
  const auto* far_pcs = reinterpret_cast<const std::byte*>(marks() + mark_count_);
  std::memcpy(&pc, far_pcs + static_cast<uint32_t>(mark.value) * sizeof pc, sizeof pc);
  return pc;
}

/// The exit stub of the block in which step `at` stands; nullptr: it has none. A stub stands right behind its block.
const Step* Program::stub_for(uint32_t at, const Mark* mark) const {
  while (mark != marks() && mark->kind != Mark::stub) --mark;
  const bool here = mark->kind == Mark::stub && at < static_cast<uint32_t>(mark->value);
  return here ? steps().data() + mark->value : nullptr;
}

void Program::settle(uint32_t at, ir::ExitKind kind, std::byte* state, std::byte* frame,
                     ir::ExecContext& context) const {
  const Mark* mark = std::upper_bound(marks(), marks() + mark_count_, at,
                                      [](uint32_t step, const Mark& other) { return step < other.at; });
  --mark;  // there is one for each step that may leave
  if (mark->kind != Mark::done) {
    const uint64_t pc = pc_of(*mark);
    std::memcpy(state + shape_.pc_offset, &pc, sizeof pc);
  }
  // Not done is the instruction at which a fault stops the guest, if one has been begun, and one that an event precedes.
  const bool fault = kind == ir::ExitKind::memory || kind == ir::ExitKind::trap;
  const bool undone = (fault && mark->begun) || (kind == ir::ExitKind::event && mark->at_insn);
  context.insns += static_cast<uint64_t>(mark->uncounted) - (undone ? 1 : 0);
  if (const Step* stub = stub_for(at, mark)) {
    header_of(frame).left_at = at;
    run_steps(stub, state, frame, context);
  }
}

}  // namespace strata::codegen::interp

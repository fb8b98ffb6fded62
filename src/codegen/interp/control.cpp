// Jumps, exits, and how a run of steps begins and ends.
#include <array>
#include <type_traits>

#include "base/assert.h"
#include "codegen/interp/handlers.h"
#include "codegen/interp/program.h"

namespace strata::codegen::interp {

Next first_handler(STRATA_STEP_PARAMS) { return stop(); }

Next leave(STRATA_STEP_PARAMS, ir::ExitKind kind, uint64_t payload) {
  FrameHeader& header = header_of(frame);
  set_result(header, kind, ir::RunResult::no_link, payload);
  header.program->settle(static_cast<uint32_t>(step - header.program->steps().data()), kind, state, frame, *context);
  return stop();
}

namespace {

Next jump_handler(STRATA_STEP_PARAMS) {
  context->insns += static_cast<uint64_t>(int64_t{static_cast<int16_t>(step->c)});
  STRATA_NEXT_STEP(static_cast<int16_t>(step->d));
}

template <Place A>
Next branch_handler(STRATA_STEP_PARAMS) {
  context->insns += static_cast<uint32_t>(step->imm);
  return go_on_either(STRATA_READ(A, uint8_t, a) != 0, step->d, step->c, STRATA_STEP_ARGS);
}

Next bring_up_to_date_handler(STRATA_STEP_PARAMS) {
  const uint64_t pc = wide(step);
  std::memcpy(state + step->d, &pc, sizeof pc);
  context->insns += static_cast<uint64_t>(int64_t{static_cast<int16_t>(step->a)});
  STRATA_NEXT_STEP(1);
}

Next exit_if_handler(STRATA_STEP_PARAMS) {
  if (STRATA_ANY(uint8_t, a) != 0) [[unlikely]] {
    return leave(STRATA_STEP_ARGS, static_cast<ir::ExitKind>(step->d), wide(step));
  }
  STRATA_NEXT_STEP(1);
}

Next exit_always_handler(STRATA_STEP_PARAMS) {
  set_result(header_of(frame), static_cast<ir::ExitKind>(step->d), ir::RunResult::no_link, wide(step));
  return stop();
}

Next poll_handler(STRATA_STEP_PARAMS) {
  if (context->events.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    return leave(STRATA_STEP_ARGS, ir::ExitKind::event, 0);
  }
  STRATA_NEXT_STEP(1);
}

inline Next end_with_next(std::byte* frame, uint8_t link) {
  set_result(header_of(frame), ir::ExitKind::next, link, 0);
  return stop();
}

Next poll_and_jump_handler(STRATA_STEP_PARAMS) {
  context->insns += step->a;
  if (context->events.load(std::memory_order_relaxed) == 0) [[likely]]
    STRATA_NEXT_STEP(static_cast<int16_t>(step->d));
  const uint64_t pc = wide(step);
  std::memcpy(state + header_of(frame).pc_offset, &pc, sizeof pc);
  set_result(header_of(frame), ir::ExitKind::event, ir::RunResult::no_link, 0);
  return stop();
}

Next exit_goto_handler(STRATA_STEP_PARAMS) {
  const uint64_t pc = wide(step);
  std::memcpy(state + header_of(frame).pc_offset, &pc, sizeof pc);
  context->insns += step->a;
  return end_with_next(frame, static_cast<uint8_t>(step->d));
}

Next exit_indirect_handler(STRATA_STEP_PARAMS) {
  const auto pc = STRATA_ANY(uint64_t, a);
  std::memcpy(state + header_of(frame).pc_offset, &pc, sizeof pc);
  context->insns += step->c;
  return end_with_next(frame, ir::RunResult::no_link);
}

template <class T, Place A>
Next sunk_set_handler(STRATA_STEP_PARAMS) {
  const uint32_t at = header_of(frame).left_at;
  if (at < step->b) return stop();
  if (at < step->c) write<Dest::low>(STRATA_READ(A, T, a), step, state, frame);
  STRATA_NEXT_STEP(1);
}

Next sunk_set_vector_handler(STRATA_STEP_PARAMS) {
  const uint32_t at = header_of(frame).left_at;
  if (at < step->b) return stop();
  if (at < step->c) write_any(STRATA_ANY(ir::Vec128, a), step, state, frame);
  STRATA_NEXT_STEP(1);
}

}  // namespace

Handler jump() { return &jump_handler; }
Handler branch(Place a) { return a == Place::slot ? &branch_handler<Place::slot> : &branch_handler<Place::cell>; }

Handler bring_up_to_date() { return &bring_up_to_date_handler; }
Handler exit_if() { return &exit_if_handler; }
Handler exit_always() { return &exit_always_handler; }
Handler poll() { return &poll_handler; }
Handler poll_and_jump() { return &poll_and_jump_handler; }
Handler exit_goto() { return &exit_goto_handler; }
Handler exit_indirect() { return &exit_indirect_handler; }

Handler sunk_set(Width width, Place a) {
  static constexpr Handler cells[] = {&sunk_set_handler<uint8_t, Place::cell>, &sunk_set_handler<uint16_t, Place::cell>,
                                      &sunk_set_handler<uint32_t, Place::cell>,
                                      &sunk_set_handler<uint64_t, Place::cell>};
  static constexpr Handler imms[] = {&sunk_set_handler<uint8_t, Place::imm>, &sunk_set_handler<uint16_t, Place::imm>,
                                     &sunk_set_handler<uint32_t, Place::imm>, &sunk_set_handler<uint64_t, Place::imm>};
  return (a == Place::imm ? imms : cells)[index(width)];
}
Handler sunk_set_vector() { return &sunk_set_vector_handler; }

}  // namespace strata::codegen::interp

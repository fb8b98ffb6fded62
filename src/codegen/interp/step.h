// The interpreter's own code: steps of fixed size, each with the handler that does it, and how one follows another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ir/runtime.h"

namespace strata::codegen::interp {

/// One step. What the operands mean is the handler's matter; mostly d is where the result goes and a, b, c are where
/// the operands stand (see Place), imm a constant.
struct Step {
  int32_t handler = 0;  ///< the handler's address, less that of first_handler
  uint16_t d = 0, a = 0, b = 0, c = 0;
  int32_t imm = 0;
};
static_assert(sizeof(Step) == 16);

/// A constant of 64 bits in a step that has no use for b and c besides.
inline void put_wide(Step& step, uint64_t value) {
  step.imm = static_cast<int32_t>(value);
  step.b = static_cast<uint16_t>(value >> 32);
  step.c = static_cast<uint16_t>(value >> 48);
}
inline uint64_t wide(const Step* step) {
  return static_cast<uint32_t>(step->imm) | uint64_t{step->b} << 32 | uint64_t{step->c} << 48;
}

// Handlers end by calling the next one. Where the compiler is sure to make that a jump, code runs with all that a
// handler needs in registers and without a loop around it. Elsewhere (no optimization, sanitizers) a handler gives the
// next step back to a loop.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && defined(__x86_64__)
#define STRATA_INTERP_THREADED 1
using Next = void;
#else
#define STRATA_INTERP_THREADED 0
using Next = const Step*;
#endif

// What every handler is handed: the step, the guest's state, the values of the block (behind a FrameHeader), the
// context, and the address from which handlers are counted. A macro, for these are to stay in registers.
#define STRATA_STEP_PARAMS                                                                                 \
  [[maybe_unused]] const Step *step, [[maybe_unused]] std::byte *state, [[maybe_unused]] std::byte *frame, \
      [[maybe_unused]] ir::ExecContext *context, [[maybe_unused]] uintptr_t base
#define STRATA_STEP_ARGS step, state, frame, context, base

using Handler = Next (*)(STRATA_STEP_PARAMS);

inline Handler handler_of(const Step* step, uintptr_t base) {
  return reinterpret_cast<Handler>(base + static_cast<intptr_t>(step->handler));
}

/// Goes on with `step`: the last thing that a handler does.
[[gnu::always_inline]] inline Next go_on(STRATA_STEP_PARAMS) {
#if STRATA_INTERP_THREADED
  return handler_of(step, base)(STRATA_STEP_ARGS);
#else
  return step;
#endif
}

/// The other last thing: back to whoever called run_steps.
[[gnu::always_inline]] inline Next stop() {
#if !STRATA_INTERP_THREADED
  return nullptr;
#endif
}

#define STRATA_NEXT_STEP(count) return go_on(step + (count), state, frame, context, base)

/// Goes on `yes` or `no` steps from here, as signed distances. A jump and not a choice of addresses: the host predicts
/// it, and goes on without waiting for what the condition depends on.
[[gnu::always_inline]] inline Next go_on_either(bool condition, uint16_t yes, uint16_t no, STRATA_STEP_PARAMS) {
  if (condition) {
    asm volatile("");  // keeps the compiler from making it a choice after all
    return go_on(step + static_cast<int16_t>(yes), state, frame, context, base);
  }
  return go_on(step + static_cast<int16_t>(no), state, frame, context, base);
}

class Program;

/// Stands right before a frame's values.
struct alignas(16) FrameHeader {
  const Program* program = nullptr;
  uint32_t left_at = 0;    ///< the step at which the program is being left, while its exit stub runs
  uint32_t pc_offset = 0;  ///< of the pc slot in the state
  /// How the program was left. One word for kind and link: the host waits where bytes that were written apart are read
  /// together.
  uint64_t kind_and_link;
  uint64_t payload;
  alignas(16) std::byte scratch[16];  ///< what the slow path of memory reads to and writes from
};

inline void set_result(FrameHeader& header, ir::ExitKind kind, uint8_t link, uint64_t payload) {
  header.kind_and_link = static_cast<uint8_t>(kind) | uint64_t{link} << 8;
  header.payload = payload;
}

inline ir::RunResult result_of(const FrameHeader& header) {
  return {.kind = static_cast<ir::ExitKind>(header.kind_and_link & 0xff),
          .link = static_cast<uint8_t>(header.kind_and_link >> 8),
          .payload = header.payload};
}

inline FrameHeader& header_of(std::byte* frame) { return reinterpret_cast<FrameHeader*>(frame)[-1]; }

/// The handler from whose address all others are counted; it ends a run of steps.
Next first_handler(STRATA_STEP_PARAMS);

inline uintptr_t handler_base() { return reinterpret_cast<uintptr_t>(&first_handler); }

inline int32_t encode(Handler handler) {
  return static_cast<int32_t>(reinterpret_cast<uintptr_t>(handler) - handler_base());
}

/// Runs from `step` to a handler that stops.
inline void run_steps(const Step* step, std::byte* state, std::byte* frame, ir::ExecContext& context) {
  const uintptr_t base = handler_base();
#if STRATA_INTERP_THREADED
  handler_of(step, base)(step, state, frame, &context, base);
#else
  while (step) step = handler_of(step, base)(step, state, frame, &context, base);
#endif
}

/// Leaves the program at `step`, before it was done: brings pc, instruction count and sunk sets up to date, and stops.
Next leave(STRATA_STEP_PARAMS, ir::ExitKind kind, uint64_t payload);

}  // namespace strata::codegen::interp

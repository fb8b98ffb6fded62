// Vectors as arrays of lanes: what the vector handlers are written in. The compiler makes host vectors of the loops.
#pragma once

#include <cstring>
#include <limits>
#include <type_traits>

#include "codegen/interp/handlers.h"

namespace strata::codegen::interp {

template <class T>
struct alignas(16) Lanes {
  static constexpr unsigned count = 16 / sizeof(T);
  T lane[count];
};

template <class T>
constexpr unsigned bits_of = sizeof(T) * 8;
template <class T>
using Signed = std::make_signed_t<T>;

template <class T>
struct WiderOf;
// clang-format off
template <> struct WiderOf<uint8_t> { using type = uint16_t; };
template <> struct WiderOf<uint16_t> { using type = uint32_t; };
template <> struct WiderOf<uint32_t> { using type = uint64_t; };
// clang-format on

template <class T>
using Wider = typename WiderOf<T>::type;

/// The nearest value that the lane type T holds.
template <class T>
constexpr T clamp(int64_t value) {
  constexpr int64_t low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  return static_cast<T>(value < low ? low : value > high ? high : value);
}

/// A handler of an operation on whole vectors: F gives the result of the operands it wants, and may look at the step.
template <class F, class T>
Next vector_unary(STRATA_STEP_PARAMS) {
  write_any(F::template apply<T>(STRATA_ANY(Lanes<T>, a), *step), step, state, frame);
  STRATA_NEXT_STEP(1);
}
template <class F, class T>
Next vector_binary(STRATA_STEP_PARAMS) {
  write_any(F::template apply<T>(STRATA_ANY(Lanes<T>, a), STRATA_ANY(Lanes<T>, b), *step), step, state, frame);
  STRATA_NEXT_STEP(1);
}

/// The handler for lanes of the width of `lane`.
template <class F>
Handler unary_by_lane(ir::Lane lane) {
  static constexpr Handler handlers[] = {&vector_unary<F, uint8_t>, &vector_unary<F, uint16_t>,
                                         &vector_unary<F, uint32_t>, &vector_unary<F, uint64_t>};
  return handlers[index(width_of(ir::lane_type(lane)))];
}
template <class F>
Handler binary_by_lane(ir::Lane lane) {
  static constexpr Handler handlers[] = {&vector_binary<F, uint8_t>, &vector_binary<F, uint16_t>,
                                         &vector_binary<F, uint32_t>, &vector_binary<F, uint64_t>};
  return handlers[index(width_of(ir::lane_type(lane)))];
}

// The groups of vector operations, each in a file of its own; nullptr for an operation of another group.
Handler vector_lanewise(ir::Op op, ir::Lane lane);
Handler vector_across(ir::Op op, ir::Lane lane);
Handler vector_shuffle(ir::Op op, ir::Lane lane);
Handler vector_crypto(ir::Op op);

}  // namespace strata::codegen::interp

// Integer comparisons, as values and as branches.
#include <array>
#include <type_traits>

#include "base/assert.h"
#include "codegen/interp/handlers.h"

namespace strata::codegen::interp {
namespace {

enum class Comparison : uint8_t { eq, ne, lt_u, le_u, lt_s, le_s };

template <Comparison C, class T>
bool compares(T a, T b) {
  using Signed = std::make_signed_t<T>;
  if constexpr (C == Comparison::eq) return a == b;
  if constexpr (C == Comparison::ne) return a != b;
  if constexpr (C == Comparison::lt_u) return a < b;
  if constexpr (C == Comparison::le_u) return a <= b;
  if constexpr (C == Comparison::lt_s) return static_cast<Signed>(a) < static_cast<Signed>(b);
  if constexpr (C == Comparison::le_s) return static_cast<Signed>(a) <= static_cast<Signed>(b);
}

template <Comparison C, class T, Place A, Place B>
Next value_handler(STRATA_STEP_PARAMS) {
  const uint8_t holds = compares<C>(STRATA_READ(A, T, a), STRATA_READ(B, T, b));
  write<Dest::cell>(holds, step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <Comparison C, class T, Place A, Place B>
Next branch_handler(STRATA_STEP_PARAMS) {
  context->insns += B == Place::imm ? step->b : static_cast<uint32_t>(step->imm);
  const bool holds = compares<C>(STRATA_READ(A, T, a), STRATA_READ(B, T, b));
  return go_on_either(holds, step->d, step->c, STRATA_STEP_ARGS);
}

/// By the places of a and b.
struct Places {
  Handler value[2][3], branch[2][3];
};

template <Comparison C, class T>
constexpr Places places_of() {
  constexpr Place cell = Place::cell, slot = Place::slot, imm = Place::imm;
  return {{{&value_handler<C, T, cell, cell>, &value_handler<C, T, cell, slot>, &value_handler<C, T, cell, imm>},
           {&value_handler<C, T, slot, cell>, &value_handler<C, T, slot, slot>, &value_handler<C, T, slot, imm>}},
          {{&branch_handler<C, T, cell, cell>, &branch_handler<C, T, cell, slot>, &branch_handler<C, T, cell, imm>},
           {&branch_handler<C, T, slot, cell>, &branch_handler<C, T, slot, slot>, &branch_handler<C, T, slot, imm>}}};
}

using Widths = std::array<Places, 4>;
template <Comparison C>
constexpr Widths widths_of = {places_of<C, uint8_t>(), places_of<C, uint16_t>(), places_of<C, uint32_t>(),
                              places_of<C, uint64_t>()};

const Places& places_of(ir::Op op, Width width) {
  switch (op) {
    case ir::Op::eq: return widths_of<Comparison::eq>[index(width)];
    case ir::Op::ne: return widths_of<Comparison::ne>[index(width)];
    case ir::Op::lt_u: return widths_of<Comparison::lt_u>[index(width)];
    case ir::Op::le_u: return widths_of<Comparison::le_u>[index(width)];
    case ir::Op::lt_s: return widths_of<Comparison::lt_s>[index(width)];
    case ir::Op::le_s: return widths_of<Comparison::le_s>[index(width)];
    default: STRATA_UNREACHABLE();
  }
}

constexpr unsigned right(Place place) { return place == Place::imm ? 2 : static_cast<unsigned>(place); }

}  // namespace

Handler compare(ir::Op op, Width width, Place a, Place b) {
  return places_of(op, width).value[static_cast<unsigned>(a)][right(b)];
}

Handler branch_compare(ir::Op op, Width width, Place a, Place b) {
  return places_of(op, width).branch[static_cast<unsigned>(a)][right(b)];
}

}  // namespace strata::codegen::interp

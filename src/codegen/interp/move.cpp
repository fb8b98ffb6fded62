// Moves between guest state and values, and constants.
#include "codegen/interp/handlers.h"

namespace strata::codegen::interp {
namespace {

template <class T, Place A, Dest D>
Next move_handler(STRATA_STEP_PARAMS) {
  write<D>(STRATA_READ(A, T, a), step, state, frame);
  STRATA_NEXT_STEP(1);
}

Next move_vector_handler(STRATA_STEP_PARAMS) {
  write_any(STRATA_ANY(ir::Vec128, a), step, state, frame);
  STRATA_NEXT_STEP(1);
}

Next wide_constant_handler(STRATA_STEP_PARAMS) {
  write_any(wide(step), step, state, frame);
  STRATA_NEXT_STEP(1);
}

Next vector_constant_handler(STRATA_STEP_PARAMS) {
  write_any(load_as<ir::Vec128>(reinterpret_cast<const std::byte*>(step + 1)), step, state, frame);
  STRATA_NEXT_STEP(2);
}

template <class T, Place A>
constexpr Handler dests[] = {&move_handler<T, A, Dest::cell>, &move_handler<T, A, Dest::slot>,
                             &move_handler<T, A, Dest::low>};

template <Place A>
Handler move_from(Width width, Dest d) {
  static constexpr const Handler* handlers[] = {dests<uint8_t, A>, dests<uint16_t, A>, dests<uint32_t, A>,
                                                dests<uint64_t, A>};
  return handlers[index(width)][static_cast<unsigned>(d)];
}

}  // namespace

Handler move(Width width, Place a, Dest d) {
  if (a == Place::cell) return move_from<Place::cell>(width, d);
  if (a == Place::slot) return move_from<Place::slot>(width, d);
  return move_from<Place::imm>(width, d);
}

Handler move_vector() { return &move_vector_handler; }
Handler wide_constant() { return &wide_constant_handler; }
Handler vector_constant() { return &vector_constant_handler; }

}  // namespace strata::codegen::interp

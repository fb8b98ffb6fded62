// Flags with a carry in, flags of results, merges and conditions.
#include <array>
#include <utility>

#include "codegen/interp/flags_compute.h"
#include "codegen/interp/handlers.h"

namespace strata::codegen::interp {
namespace {

template <class T, bool subtract>
Next flags_with(STRATA_STEP_PARAMS) {
  const T a = STRATA_ANY(T, a), b = STRATA_ANY(T, b);
  const bool c = STRATA_ANY(uint8_t, c) != 0;
  write_any(subtract ? flags_of_sub(a, b, c) : flags_of_add(a, b, c), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <bool subtract>
Handler with_carry_of(Width width) {
  static constexpr Handler handlers[] = {&flags_with<uint8_t, subtract>, &flags_with<uint16_t, subtract>,
                                         &flags_with<uint32_t, subtract>, &flags_with<uint64_t, subtract>};
  return handlers[index(width)];
}

template <class T, bool subtract>
Next sum_with_carry(STRATA_STEP_PARAMS) {
  const T a = STRATA_ANY(T, a), b = STRATA_ANY(T, b);
  const T c = STRATA_ANY(uint8_t, c);
  write_any(static_cast<T>(subtract ? a - b - c : a + b + c), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T, bool subtract>
Next carry_out(STRATA_STEP_PARAMS) {
  const T a = STRATA_ANY(T, a), b = STRATA_ANY(T, b);
  const T c = STRATA_ANY(uint8_t, c), first = static_cast<T>(subtract ? a - b : a + b);
  const bool carry = subtract ? a < b || first < c : first < a || static_cast<T>(first + c) < first;
  write_any(static_cast<uint8_t>(carry), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T, Place A, Dest D>
Next logic(STRATA_STEP_PARAMS) {
  write<D>(flags_of_logic(STRATA_READ(A, T, a)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
constexpr Handler logics[] = {&logic<T, Place::cell, Dest::cell>, &logic<T, Place::cell, Dest::slot>,
                              &logic<T, Place::cell, Dest::low>,  &logic<T, Place::slot, Dest::cell>,
                              &logic<T, Place::slot, Dest::slot>, &logic<T, Place::slot, Dest::low>};

Next merge(STRATA_STEP_PARAMS) {
  const uint32_t mask = static_cast<uint32_t>(step->imm);
  write_any((STRATA_ANY(uint32_t, a) & ~mask) | (STRATA_ANY(uint32_t, b) & mask), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <unsigned C, Place A>
Next cond_value(STRATA_STEP_PARAMS) {
  const uint8_t holds = ir::holds(static_cast<ir::Cond>(C), STRATA_READ(A, uint32_t, a));
  write<Dest::cell>(holds, step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <unsigned C, Place A>
Next cond_branch(STRATA_STEP_PARAMS) {
  const bool holds = ir::holds(static_cast<ir::Cond>(C), STRATA_READ(A, uint32_t, a));
  context->insns += static_cast<uint32_t>(step->imm);
  return go_on_either(holds, step->d, step->c, STRATA_STEP_ARGS);
}

constexpr unsigned cond_count = 16;

template <size_t... C>
constexpr std::array<Handler, cond_count * 4> conditions_of(std::index_sequence<C...>) {
  return {&cond_value<C, Place::cell>..., &cond_value<C, Place::slot>..., &cond_branch<C, Place::cell>...,
          &cond_branch<C, Place::slot>...};
}
constexpr auto conditions = conditions_of(std::make_index_sequence<cond_count>{});

}  // namespace

Handler with_carry(ir::Op op, Width width) {
  const bool wide = width == Width::w64;
  switch (op) {
    case ir::Op::adc: return wide ? &sum_with_carry<uint64_t, false> : &sum_with_carry<uint32_t, false>;
    case ir::Op::sbb: return wide ? &sum_with_carry<uint64_t, true> : &sum_with_carry<uint32_t, true>;
    case ir::Op::carry_adc: return wide ? &carry_out<uint64_t, false> : &carry_out<uint32_t, false>;
    default: return wide ? &carry_out<uint64_t, true> : &carry_out<uint32_t, true>;
  }
}

Handler flags_with_carry(ir::Op op, Width width) {
  return op == ir::Op::flags_sbb ? with_carry_of<true>(width) : with_carry_of<false>(width);
}

Handler flags_logic(Width width, Place a, Dest d) {
  static constexpr const Handler* handlers[] = {logics<uint8_t>, logics<uint16_t>, logics<uint32_t>, logics<uint64_t>};
  return handlers[index(width)][static_cast<unsigned>(a) * 3 + static_cast<unsigned>(d)];
}

Handler flags_merge() { return &merge; }

Handler condition(uint64_t cond, Place a) { return conditions[cond + (a == Place::slot ? cond_count : 0)]; }

Handler branch_condition(uint64_t cond, Place a) { return conditions[cond + (a == Place::slot ? 3 : 2) * cond_count]; }

}  // namespace strata::codegen::interp

// A comparison that sets flags and the branch on it in one step: `cmp` and a conditional jump.
#include <array>
#include <utility>

#include "codegen/interp/handlers.h"
#include "codegen/interp/host_flags.h"

namespace strata::codegen::interp {
namespace {

template <Relation R, class T>
bool related(T a, T b) {
  using Signed = std::make_signed_t<T>;
  const auto x = static_cast<Signed>(a), y = static_cast<Signed>(b);
  switch (R) {
    case Relation::eq: return a == b;
    case Relation::ne: return a != b;
    case Relation::lt_u: return a < b;
    case Relation::ge_u: return a >= b;
    case Relation::le_u: return a <= b;
    case Relation::gt_u: return a > b;
    case Relation::lt_s: return x < y;
    case Relation::ge_s: return x >= y;
    case Relation::le_s: return x <= y;
    default: return x > y;
  }
}

template <Relation R, class T, Place A, Place B>
Next handler(STRATA_STEP_PARAMS) {
  const T a = STRATA_READ(A, T, a), b = STRATA_READ(B, T, b);
  const uint32_t flags = host::flags_of_difference(a, b);
  std::memcpy(state + step->c, &flags, sizeof flags);
  context->insns += B == Place::imm ? step->b : static_cast<uint32_t>(step->imm);
  return go_on_either(related<R>(a, b), step->d, 1, STRATA_STEP_ARGS);
}

using Places = std::array<Handler, 6>;
using Widths = std::array<Places, 4>;

template <Relation R, class T>
constexpr Places places_of() {
  constexpr Place cell = Place::cell, slot = Place::slot, imm = Place::imm;
  return {&handler<R, T, cell, cell>, &handler<R, T, cell, slot>, &handler<R, T, cell, imm>,
          &handler<R, T, slot, cell>, &handler<R, T, slot, slot>, &handler<R, T, slot, imm>};
}

template <size_t... R>
constexpr std::array<Widths, sizeof...(R)> all(std::index_sequence<R...>) {
  return {Widths{places_of<static_cast<Relation>(R), uint8_t>(), places_of<static_cast<Relation>(R), uint16_t>(),
                 places_of<static_cast<Relation>(R), uint32_t>(), places_of<static_cast<Relation>(R), uint64_t>()}...};
}
constexpr auto handlers = all(std::make_index_sequence<relation_count>{});

}  // namespace

bool has_compare_and_branch() {
  static const bool host_flags = host::has_flags();
  return host_flags;
}

Handler compare_and_branch(Relation relation, Width width, Place a, Place b) {
  const unsigned right = b == Place::imm ? 2 : static_cast<unsigned>(b);
  return handlers[static_cast<unsigned>(relation)][index(width)][static_cast<unsigned>(a) * 3 + right];
}

}  // namespace strata::codegen::interp

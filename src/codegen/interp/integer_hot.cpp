// The hot integer operations: a handler for each width and each place of operands and result.
#include <array>
#include <bit>
#include <utility>

#include "codegen/interp/flags_compute.h"
#include "codegen/interp/handlers.h"
#include "codegen/interp/host_flags.h"

namespace strata::codegen::interp {
namespace {

// clang-format off
struct Add {
  template <class T> static T apply(T a, T b) { return static_cast<T>(a + b); }
};
struct Sub {
  template <class T> static T apply(T a, T b) { return static_cast<T>(a - b); }
};
struct Mul {
  template <class T> static T apply(T a, T b) { return static_cast<T>(uint64_t{a} * b); }
};
struct And {
  template <class T> static T apply(T a, T b) { return a & b; }
};
struct Or {
  template <class T> static T apply(T a, T b) { return a | b; }
};
struct Xor {
  template <class T> static T apply(T a, T b) { return a ^ b; }
};
struct Shl {
  template <class T> static T apply(T a, T b) { return static_cast<T>(uint64_t{a} << (b % bits<T>)); }
  template <class T> static constexpr unsigned bits = sizeof(T) * 8;
};
struct Shr {
  template <class T> static T apply(T a, T b) { return static_cast<T>(a >> (b % Shl::bits<T>)); }
};
struct Sar {
  template <class T> static T apply(T a, T b) {
    return static_cast<T>(static_cast<std::make_signed_t<T>>(a) >> (b % Shl::bits<T>));
  }
};
struct Rotl {
  template <class T> static T apply(T a, T b) { return std::rotl(a, static_cast<int>(b % Shl::bits<T>)); }
};
struct Rotr {
  template <class T> static T apply(T a, T b) { return std::rotr(a, static_cast<int>(b % Shl::bits<T>)); }
};
struct FlagsAdd {
  template <class T> static uint32_t apply(T a, T b) { return flags_of_add(a, b, false); }
};
struct FlagsSub {
  template <class T> static uint32_t apply(T a, T b) { return flags_of_sub(a, b, false); }
};
struct HostFlagsAdd {
  template <class T> static uint32_t apply(T a, T b) { return host::flags_of_sum(a, b); }
};
struct HostFlagsSub {
  template <class T> static uint32_t apply(T a, T b) { return host::flags_of_difference(a, b); }
};
// clang-format on

/// Shift counts are i8 values: of their operand only the low byte means anything.
template <class F, class... Shifts>
constexpr bool is_one_of = (std::is_same_v<F, Shifts> || ...);
template <class F>
constexpr bool is_shift = is_one_of<F, Shl, Shr, Sar, Rotl, Rotr>;

template <class F, class T, Place A, Place B, Dest D>
Next hot(STRATA_STEP_PARAMS) {
  using Right = std::conditional_t<is_shift<F>, uint8_t, T>;
  const T a = STRATA_READ(A, T, a);
  const T b = STRATA_READ(B, Right, b);
  write<D>(F::apply(a, b), step, state, frame);
  STRATA_NEXT_STEP(1);
}

constexpr unsigned places_a = 2, places_b = 3, dests = 3, variants = places_a * places_b * dests;
constexpr Place b_places[] = {Place::cell, Place::slot, Place::imm};
constexpr unsigned b_index(Place place) { return place == Place::imm ? 2 : static_cast<unsigned>(place); }

using Variants = std::array<Handler, variants>;
using Widths = std::array<Variants, 4>;

template <class F, class T, size_t... I>
constexpr Variants variants_of(std::index_sequence<I...>) {
  return {&hot<F, T, static_cast<Place>(I / (places_b * dests)), b_places[I / dests % places_b],
               static_cast<Dest>(I % dests)>...};
}

template <class F>
constexpr Widths widths_of() {
  using All = std::make_index_sequence<variants>;
  return {variants_of<F, uint8_t>(All{}), variants_of<F, uint16_t>(All{}), variants_of<F, uint32_t>(All{}),
          variants_of<F, uint64_t>(All{})};
}

template <class F>
constexpr Widths table = widths_of<F>();

const Widths* table_of(ir::Op op) {
  static const bool host_flags = host::has_flags();
  switch (op) {
    case ir::Op::add: return &table<Add>;
    case ir::Op::sub: return &table<Sub>;
    case ir::Op::mul: return &table<Mul>;
    case ir::Op::and_: return &table<And>;
    case ir::Op::or_: return &table<Or>;
    case ir::Op::xor_: return &table<Xor>;
    case ir::Op::shl: return &table<Shl>;
    case ir::Op::shr: return &table<Shr>;
    case ir::Op::sar: return &table<Sar>;
    case ir::Op::rotl: return &table<Rotl>;
    case ir::Op::rotr: return &table<Rotr>;
    case ir::Op::flags_add: return host_flags ? &table<HostFlagsAdd> : &table<FlagsAdd>;
    case ir::Op::flags_sub: return host_flags ? &table<HostFlagsSub> : &table<FlagsSub>;
    default: return nullptr;
  }
}

}  // namespace

Handler hot_binary(ir::Op op, Width width, Place a, Place b, Dest d) {
  const Variants& all = (*table_of(op))[index(width)];
  return all[(static_cast<unsigned>(a) * places_b + b_index(b)) * dests + static_cast<unsigned>(d)];
}

}  // namespace strata::codegen::interp

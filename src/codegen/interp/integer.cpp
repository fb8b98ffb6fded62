// Integer operations other than the hot ones: operands and results anywhere.
#include <array>
#include <bit>
#include <limits>
#include <type_traits>

#include "base/assert.h"
#include "base/bits.h"
#include "codegen/interp/handlers.h"

namespace strata::codegen::interp {
namespace {

template <class T>
constexpr unsigned bits_of = sizeof(T) * 8;
template <class T>
using Signed = std::make_signed_t<T>;

// clang-format off
struct MulhiU {
  template <class T> static T apply(T a, T b) {
    return static_cast<T>(static_cast<unsigned __int128>(a) * b >> bits_of<T>);
  }
};
struct MulhiS {
  template <class T> static T apply(T a, T b) {
    return static_cast<T>(static_cast<__int128>(static_cast<Signed<T>>(a)) * static_cast<Signed<T>>(b) >> bits_of<T>);
  }
};
struct DivU {
  template <class T> static T apply(T a, T b) { return b == 0 ? static_cast<T>(-1) : static_cast<T>(a / b); }
};
struct RemU {
  template <class T> static T apply(T a, T b) { return b == 0 ? a : static_cast<T>(a % b); }
};
/// Division by -1 is negation: the minimum stays what it is.
struct DivS {
  template <class T> static T apply(T a, T b) {
    if (b == 0) return static_cast<T>(-1);
    if (b == static_cast<T>(-1)) return static_cast<T>(T{0} - a);
    return static_cast<T>(static_cast<Signed<T>>(a) / static_cast<Signed<T>>(b));
  }
};
struct RemS {
  template <class T> static T apply(T a, T b) {
    if (b == 0) return a;
    if (b == static_cast<T>(-1)) return 0;
    return static_cast<T>(static_cast<Signed<T>>(a) % static_cast<Signed<T>>(b));
  }
};
struct GatherBits {
  template <class T> static T apply(T a, T b) { return static_cast<T>(gather_bits(a, b)); }
};
struct ScatterBits {
  template <class T> static T apply(T a, T b) { return static_cast<T>(scatter_bits(a, b)); }
};
// clang-format on

template <class F, class T, Place B>
Next binary_handler(STRATA_STEP_PARAMS) {
  const T a = STRATA_ANY(T, a);
  const T b = STRATA_READ(B, T, b);
  write_any(F::template apply<T>(a, b), step, state, frame);
  STRATA_NEXT_STEP(1);
}

using Widths = std::array<Handler, 8>;  // four with b any, four with b imm

template <class F>
constexpr Widths table = {&binary_handler<F, uint8_t, Place::any>,  &binary_handler<F, uint16_t, Place::any>,
                          &binary_handler<F, uint32_t, Place::any>, &binary_handler<F, uint64_t, Place::any>,
                          &binary_handler<F, uint8_t, Place::imm>,  &binary_handler<F, uint16_t, Place::imm>,
                          &binary_handler<F, uint32_t, Place::imm>, &binary_handler<F, uint64_t, Place::imm>};

constexpr const Widths* table_of(ir::Op op) {
  switch (op) {
    case ir::Op::mulhi_u: return &table<MulhiU>;
    case ir::Op::mulhi_s: return &table<MulhiS>;
    case ir::Op::div_u: return &table<DivU>;
    case ir::Op::div_s: return &table<DivS>;
    case ir::Op::rem_u: return &table<RemU>;
    case ir::Op::rem_s: return &table<RemS>;
    case ir::Op::gather_bits: return &table<GatherBits>;
    case ir::Op::scatter_bits: return &table<ScatterBits>;
    default: STRATA_UNREACHABLE();
  }
}

// clang-format off
struct Not {
  template <class T> static T apply(T a) { return static_cast<T>(~a); }
};
struct Neg {
  template <class T> static T apply(T a) { return static_cast<T>(T{0} - a); }
};
struct Clz {
  template <class T> static T apply(T a) { return static_cast<T>(std::countl_zero(a)); }
};
struct Ctz {
  template <class T> static T apply(T a) { return static_cast<T>(std::countr_zero(a)); }
};
struct Popcnt {
  template <class T> static T apply(T a) { return static_cast<T>(std::popcount(a)); }
};
struct Bswap {
  template <class T> static T apply(T a) {
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(a);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(a);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(a);
    return a;
  }
};
struct NotBit {
  template <class T> static T apply(T a) { return a ^ 1; }
};
struct LowBit {
  template <class T> static T apply(T a) { return a & 1; }
};
// clang-format on

template <class F, class T>
Next unary_handler(STRATA_STEP_PARAMS) {
  write_any(F::template apply<T>(STRATA_ANY(T, a)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class F>
Handler unary_of(Width width) {
  static constexpr Handler handlers[] = {&unary_handler<F, uint8_t>, &unary_handler<F, uint16_t>,
                                         &unary_handler<F, uint32_t>, &unary_handler<F, uint64_t>};
  return handlers[index(width)];
}

template <class From, class To>
Next sign_extend_handler(STRATA_STEP_PARAMS) {
  const auto value = static_cast<Signed<From>>(STRATA_ANY(From, a));
  write_any(static_cast<To>(value), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class To>
Next spread_bit(STRATA_STEP_PARAMS) {
  write_any(static_cast<To>(To{0} - STRATA_ANY(uint8_t, a)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class Wide, class Narrow, Narrow mask>
Next insert_low_handler(STRATA_STEP_PARAMS) {
  const Wide a = STRATA_ANY(Wide, a);
  const Narrow b = STRATA_ANY(Narrow, b);
  write_any(static_cast<Wide>((a & ~Wide{mask}) | (b & mask)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
Next select_handler(STRATA_STEP_PARAMS) {
  const uint16_t chosen = STRATA_ANY(uint8_t, a) != 0 ? step->b : step->c;
  write_any(load_as<T>(address_of<Place::any>(chosen, state, frame)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

}  // namespace

Handler binary(ir::Op op, Width width, Place b) { return (*table_of(op))[index(width) + (b == Place::imm ? 4 : 0)]; }

Handler unary(ir::Op op, ir::Type type) {
  const Width width = width_of(type);
  switch (op) {
    case ir::Op::not_: return type == ir::Type::i1 ? unary_of<NotBit>(width) : unary_of<Not>(width);
    case ir::Op::neg: return unary_of<Neg>(width);
    case ir::Op::clz: return unary_of<Clz>(width);
    case ir::Op::ctz: return unary_of<Ctz>(width);
    case ir::Op::popcnt: return unary_of<Popcnt>(width);
    case ir::Op::bswap: return unary_of<Bswap>(width);
    default: STRATA_UNREACHABLE();
  }
}

Handler low_bit() { return &unary_handler<LowBit, uint8_t>; }

Handler sign_extend(ir::Type from, ir::Type to) {
  // clang-format off
  static constexpr Handler handlers[4][4] = {
      {&spread_bit<uint8_t>, &spread_bit<uint16_t>, &spread_bit<uint32_t>, &spread_bit<uint64_t>},
      {nullptr, &sign_extend_handler<uint8_t, uint16_t>, &sign_extend_handler<uint8_t, uint32_t>,
       &sign_extend_handler<uint8_t, uint64_t>},
      {nullptr, nullptr, &sign_extend_handler<uint16_t, uint32_t>, &sign_extend_handler<uint16_t, uint64_t>},
      {nullptr, nullptr, nullptr, &sign_extend_handler<uint32_t, uint64_t>}};
  // clang-format on
  const unsigned row = from == ir::Type::i1 ? 0 : index(width_of(from)) + 1;
  return handlers[row][index(width_of(to))];
}

Handler insert_low(Width wide, ir::Type narrow) {
  static constexpr Handler bit[] = {&insert_low_handler<uint8_t, uint8_t, 1>, &insert_low_handler<uint16_t, uint8_t, 1>,
                                    &insert_low_handler<uint32_t, uint8_t, 1>,
                                    &insert_low_handler<uint64_t, uint8_t, 1>};
  static constexpr Handler byte[] = {nullptr, &insert_low_handler<uint16_t, uint8_t, 0xff>,
                                     &insert_low_handler<uint32_t, uint8_t, 0xff>,
                                     &insert_low_handler<uint64_t, uint8_t, 0xff>};
  static constexpr Handler word[] = {nullptr, nullptr, &insert_low_handler<uint32_t, uint16_t, 0xffff>,
                                     &insert_low_handler<uint64_t, uint16_t, 0xffff>};
  if (narrow == ir::Type::i1) return bit[index(wide)];
  if (narrow == ir::Type::i8) return byte[index(wide)];
  if (narrow == ir::Type::i16) return word[index(wide)];
  return &insert_low_handler<uint64_t, uint32_t, 0xffffffff>;
}

Handler select(ir::Type type) {
  if (ir::bits(type) > 64) return &select_handler<ir::Vec128>;
  static constexpr Handler handlers[] = {&select_handler<uint8_t>, &select_handler<uint16_t>, &select_handler<uint32_t>,
                                         &select_handler<uint64_t>};
  return handlers[index(width_of(type))];
}

}  // namespace strata::codegen::interp

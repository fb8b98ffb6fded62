// What floating-point operations give: plain C++ arithmetic, with the rules of SSE for NaNs written out.
#include <cmath>
#include <limits>

#include "codegen/interp/reference_test.h"
#include "ir/flags.h"

namespace strata::codegen::interp {

using ir::Op;
using ir::Type;

bool is_float_operation(Op op) {
  return (op >= Op::fadd && op <= Op::float_to_int) || (op >= Op::vfadd && op <= Op::vfcmp);
}

namespace {

/// How a float type is made of bits.
template <class F>
struct Format;
template <>
struct Format<float> {
  using Bits = uint32_t;
  static constexpr Bits quiet = 0x00400000, default_nan = 0xffc00000;
};
template <>
struct Format<double> {
  using Bits = uint64_t;
  static constexpr Bits quiet = 0x0008000000000000, default_nan = 0xfff8000000000000;
};

template <class To, class From>
To bits_as(From from) {
  To to;
  static_assert(sizeof to == sizeof from);
  std::memcpy(&to, &from, sizeof to);
  return to;
}

template <class F>
struct Model {
  using Bits = typename Format<F>::Bits;
  static F value(Bits bits) { return bits_as<F>(bits); }
  static bool is_nan(Bits bits) { return std::isnan(value(bits)); }
  static Bits quieted(Bits nan) { return nan | Format<F>::quiet; }

  /// Of a computation that was given no NaN: one that comes out is the default one.
  static Bits result(F computed) { return std::isnan(computed) ? Format<F>::default_nan : bits_as<Bits>(computed); }

  static Bits binary(Op op, Bits a, Bits b) {
    const volatile F x = value(a), y = value(b);
    if (op == Op::fmin || op == Op::vfmin) return x < y ? a : b;
    if (op == Op::fmax || op == Op::vfmax) return x > y ? a : b;
    if (is_nan(a)) return quieted(a);
    if (is_nan(b)) return quieted(b);
    switch (op) {
      case Op::fadd:
      case Op::vfadd: return result(x + y);
      case Op::fsub:
      case Op::vfsub: return result(x - y);
      case Op::fmul:
      case Op::vfmul: return result(x * y);
      default: return result(x / y);
    }
  }

  static Bits root(Bits a) { return is_nan(a) ? quieted(a) : result(std::sqrt(value(a))); }

  static uint64_t flags(Bits a, Bits b) {
    if (is_nan(a) || is_nan(b)) return ir::Flag::carry | ir::Flag::zero | ir::Flag::parity;
    return value(a) < value(b) ? ir::Flag::carry : value(a) == value(b) ? ir::Flag::zero : 0;
  }

  static bool holds(uint64_t predicate, Bits a, Bits b) {
    const F x = value(a), y = value(b);
    const bool positive[] = {x == y, x < y, x <= y, is_nan(a) || is_nan(b)};
    return positive[predicate & 3] != (predicate >= 4);
  }

  static Bits one_lane(const ir::Instr& instr, Bits a, Bits b) {
    if (instr.op == Op::vfsqrt) return root(a);
    if (instr.op == Op::vfcmp) return holds(instr.imm, a, b) ? ~Bits{0} : 0;
    return binary(instr.op, a, b);
  }

  static Datum vector(const ir::Instr& instr, const Datum& a, const Datum& b) {
    constexpr unsigned count = 16 / sizeof(F);
    Bits x[count], y[count];
    std::memcpy(x, &a, 16);
    std::memcpy(y, &b, 16);
    for (unsigned i = 0; i < count; ++i) x[i] = one_lane(instr, x[i], y[i]);
    Datum result;
    std::memcpy(static_cast<void*>(&result), x, 16);
    return result;
  }

  /// To the nearest even or towards zero; what does not fit is the minimum.
  static uint64_t to_integer(const ir::Instr& instr, Bits a) {
    const F whole = instr.imm ? std::trunc(value(a)) : std::nearbyint(value(a));
    const F limit = instr.type == Type::i32 ? F(2147483648.0) : F(9223372036854775808.0);
    const uint64_t minimum = instr.type == Type::i32 ? 0x80000000 : uint64_t{1} << 63;
    if (!(whole >= -limit && whole < limit)) return minimum;
    return static_cast<uint64_t>(static_cast<int64_t>(whole)) & ir::mask(instr.type);
  }
};

uint64_t widen(uint32_t a) {
  if (!std::isnan(bits_as<float>(a))) return bits_as<uint64_t>(static_cast<double>(bits_as<float>(a)));
  return uint64_t{a >> 31} << 63 | 0x7ff8000000000000 | uint64_t{a & 0x7fffff} << 29;
}

uint32_t narrow(uint64_t a) {
  if (!std::isnan(bits_as<double>(a))) return bits_as<uint32_t>(static_cast<float>(bits_as<double>(a)));
  return static_cast<uint32_t>(a >> 32 & 0x80000000) | 0x7fc00000 | static_cast<uint32_t>(a >> 29 & 0x3fffff);
}

Datum from_integer(Type to, Type from, uint64_t a) {
  const int64_t number = from == Type::i32 ? static_cast<int32_t>(a) : static_cast<int64_t>(a);
  if (to == Type::f32) return {bits_as<uint32_t>(static_cast<float>(number)), 0};
  return {bits_as<uint64_t>(static_cast<double>(number)), 0};
}

}  // namespace

Datum compute_float(const ir::Instr& instr, Type from, const std::vector<Datum>& in) {
  const Datum &a = in[0], &b = in.size() > 1 ? in[1] : in[0];
  const auto a32 = static_cast<uint32_t>(a.lo), b32 = static_cast<uint32_t>(b.lo);
  const bool single = from == Type::f32;
  if (from == Type::v128) {
    return instr.lane == ir::Lane::f32 ? Model<float>::vector(instr, a, b) : Model<double>::vector(instr, a, b);
  }
  switch (instr.op) {
    case Op::fsqrt: return {single ? Model<float>::root(a32) : Model<double>::root(a.lo), 0};
    case Op::fcompare: return {single ? Model<float>::flags(a32, b32) : Model<double>::flags(a.lo, b.lo), 0};
    case Op::fconvert: return {single ? widen(a32) : narrow(a.lo), 0};
    case Op::int_to_float: return from_integer(instr.type, from, a.lo);
    case Op::float_to_int:
      return {single ? Model<float>::to_integer(instr, a32) : Model<double>::to_integer(instr, a.lo), 0};
    default:
      return {single ? Model<float>::binary(instr.op, a32, b32) : Model<double>::binary(instr.op, a.lo, b.lo), 0};
  }
}

}  // namespace strata::codegen::interp

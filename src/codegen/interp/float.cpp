// Floating point: scalars and vectors, on the host's unit.
#include <utility>

#include "base/assert.h"
#include "codegen/interp/handlers.h"
#include "codegen/interp/host_float.h"

namespace strata::codegen::interp {
namespace {

using host::Doubles;
using host::Floats;

#define STRATA_HOST_BINARY(Name, function) \
  struct Name {                            \
    template <class T>                     \
    static T apply(T a, T b) {             \
      return host::function(a, b);         \
    }                                      \
  };
STRATA_HOST_BINARY(Fadd, add)
STRATA_HOST_BINARY(Fsub, sub)
STRATA_HOST_BINARY(Fmul, mul)
STRATA_HOST_BINARY(Fdiv, div)
STRATA_HOST_BINARY(Fmin, min)
STRATA_HOST_BINARY(Fmax, max)

template <int Predicate>
struct Compare {
  template <class V>
  static V apply(V a, V b) {
    return host::compare<Predicate>(a, b);
  }
};

/// Results go out as the integer that their bits are: those are written with zeros above.
template <class T>
void give(T value, const Step* step, std::byte* state, std::byte* frame) {
  if constexpr (sizeof value == 4) {
    write_any(std::bit_cast<uint32_t>(value), step, state, frame);
  } else {
    write_any(value, step, state, frame);
  }
}

template <class F, class T>
Next binary_handler(STRATA_STEP_PARAMS) {
  give(F::apply(STRATA_ANY(T, a), STRATA_ANY(T, b)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
Next sqrt_handler(STRATA_STEP_PARAMS) {
  give(host::sqrt(STRATA_ANY(T, a)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T, bool signaling>
Next flags_handler(STRATA_STEP_PARAMS) {
  const T a = STRATA_ANY(T, a), b = STRATA_ANY(T, b);
  write_any(signaling ? host::signaling_flags(a, b) : host::quiet_flags(a, b), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class To, class From>
Next convert_handler(STRATA_STEP_PARAMS) {
  give(host::Conversion<To, From>::convert(STRATA_ANY(From, a)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class To, class From>
Next truncate_handler(STRATA_STEP_PARAMS) {
  give(host::Conversion<To, From>::truncate(STRATA_ANY(From, a)), step, state, frame);
  STRATA_NEXT_STEP(1);
}

enum Format : unsigned { f32, f64, f32x4, f64x2 };

template <class F>
Handler binary_of(Format format) {
  static constexpr Handler handlers[] = {&binary_handler<F, float>, &binary_handler<F, double>,
                                         &binary_handler<F, Floats>, &binary_handler<F, Doubles>};
  return handlers[format];
}

template <int... P>
Handler vector_compare(uint64_t predicate, bool doubles, std::integer_sequence<int, P...>) {
  static constexpr Handler handlers[][2] = {
      {&binary_handler<Compare<P>, Floats>, &binary_handler<Compare<P>, Doubles>}...};
  return handlers[predicate][doubles];
}

Format scalar(ir::Type type) { return type == ir::Type::f32 ? f32 : f64; }

}  // namespace

Handler float_binary(ir::Op op, ir::Type type) {
  switch (op) {
    case ir::Op::fadd: return binary_of<Fadd>(scalar(type));
    case ir::Op::fsub: return binary_of<Fsub>(scalar(type));
    case ir::Op::fmul: return binary_of<Fmul>(scalar(type));
    case ir::Op::fdiv: return binary_of<Fdiv>(scalar(type));
    case ir::Op::fmin: return binary_of<Fmin>(scalar(type));
    case ir::Op::fmax: return binary_of<Fmax>(scalar(type));
    default: STRATA_UNREACHABLE();
  }
}

Handler float_sqrt(ir::Type type) { return type == ir::Type::f32 ? &sqrt_handler<float> : &sqrt_handler<double>; }

Handler float_compare(ir::Type type, bool signaling) {
  if (type == ir::Type::f32) return signaling ? &flags_handler<float, true> : &flags_handler<float, false>;
  return signaling ? &flags_handler<double, true> : &flags_handler<double, false>;
}

Handler float_convert(ir::Type from, ir::Type to) {
  switch (to) {
    case ir::Type::f32:
      return from == ir::Type::f64   ? &convert_handler<float, double>
             : from == ir::Type::i32 ? &convert_handler<float, int32_t>
                                     : &convert_handler<float, int64_t>;
    case ir::Type::f64:
      return from == ir::Type::f32   ? &convert_handler<double, float>
             : from == ir::Type::i32 ? &convert_handler<double, int32_t>
                                     : &convert_handler<double, int64_t>;
    case ir::Type::i32:
      return from == ir::Type::f32 ? &convert_handler<int32_t, float> : &convert_handler<int32_t, double>;
    default: return from == ir::Type::f32 ? &convert_handler<int64_t, float> : &convert_handler<int64_t, double>;
  }
}

Handler float_truncate(ir::Type from, ir::Type to) {
  if (to == ir::Type::i32) {
    return from == ir::Type::f32 ? &truncate_handler<int32_t, float> : &truncate_handler<int32_t, double>;
  }
  return from == ir::Type::f32 ? &truncate_handler<int64_t, float> : &truncate_handler<int64_t, double>;
}

Handler vector_float(ir::Op op, ir::Lane lane, uint64_t imm) {
  const Format format = lane == ir::Lane::f32 ? f32x4 : f64x2;
  switch (op) {
    case ir::Op::vfadd: return binary_of<Fadd>(format);
    case ir::Op::vfsub: return binary_of<Fsub>(format);
    case ir::Op::vfmul: return binary_of<Fmul>(format);
    case ir::Op::vfdiv: return binary_of<Fdiv>(format);
    case ir::Op::vfmin: return binary_of<Fmin>(format);
    case ir::Op::vfmax: return binary_of<Fmax>(format);
    case ir::Op::vfsqrt: return format == f32x4 ? &sqrt_handler<Floats> : &sqrt_handler<Doubles>;
    case ir::Op::vfcmp: return vector_compare(imm, format == f64x2, std::make_integer_sequence<int, 8>{});
    default: STRATA_UNREACHABLE();
  }
}

}  // namespace strata::codegen::interp

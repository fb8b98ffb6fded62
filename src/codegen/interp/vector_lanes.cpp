// Vector operations that treat each lane for itself.
#include "codegen/interp/lanes.h"

namespace strata::codegen::interp {
namespace {

/// Makes an operation on lanes one on vectors.
template <class F>
struct Each {
  template <class T>
  static Lanes<T> apply(const Lanes<T>& a, const Lanes<T>& b, const Step&) {
    Lanes<T> result;
    for (unsigned i = 0; i < a.count; ++i) result.lane[i] = F::apply(a.lane[i], b.lane[i]);
    return result;
  }
};

// clang-format off
struct Add { template <class T> static T apply(T a, T b) { return static_cast<T>(a + b); } };
struct Sub { template <class T> static T apply(T a, T b) { return static_cast<T>(a - b); } };
struct AddSatS { template <class T> static T apply(T a, T b) {
  return static_cast<T>(clamp<Signed<T>>(int64_t{static_cast<Signed<T>>(a)} + static_cast<Signed<T>>(b))); } };
struct AddSatU { template <class T> static T apply(T a, T b) {
  return clamp<T>(static_cast<int64_t>(a) + static_cast<int64_t>(b)); } };
struct SubSatS { template <class T> static T apply(T a, T b) {
  return static_cast<T>(clamp<Signed<T>>(int64_t{static_cast<Signed<T>>(a)} - static_cast<Signed<T>>(b))); } };
struct SubSatU { template <class T> static T apply(T a, T b) {
  return clamp<T>(static_cast<int64_t>(a) - static_cast<int64_t>(b)); } };
struct Mul { template <class T> static T apply(T a, T b) { return static_cast<T>(uint64_t{a} * b); } };
struct MulhiS { static uint16_t apply(uint16_t a, uint16_t b) {
  return static_cast<uint16_t>(int32_t{static_cast<int16_t>(a)} * static_cast<int16_t>(b) >> 16); } };
struct MulhiU { static uint16_t apply(uint16_t a, uint16_t b) {
  return static_cast<uint16_t>(uint32_t{a} * b >> 16); } };
struct AvgU { template <class T> static T apply(T a, T b) { return static_cast<T>((static_cast<uint64_t>(a) + b + 1) >> 1); } };
struct MinS { template <class T> static T apply(T a, T b) {
  return static_cast<Signed<T>>(a) < static_cast<Signed<T>>(b) ? a : b; } };
struct MinU { template <class T> static T apply(T a, T b) { return a < b ? a : b; } };
struct MaxS { template <class T> static T apply(T a, T b) {
  return static_cast<Signed<T>>(a) > static_cast<Signed<T>>(b) ? a : b; } };
struct MaxU { template <class T> static T apply(T a, T b) { return a > b ? a : b; } };
struct CmpEq { template <class T> static T apply(T a, T b) { return static_cast<T>(a == b ? -1 : 0); } };
struct CmpGtS { template <class T> static T apply(T a, T b) {
  return static_cast<T>(static_cast<Signed<T>>(a) > static_cast<Signed<T>>(b) ? -1 : 0); } };
struct And { template <class T> static T apply(T a, T b) { return a & b; } };
struct Or { template <class T> static T apply(T a, T b) { return a | b; } };
struct Xor { template <class T> static T apply(T a, T b) { return a ^ b; } };
struct Andn { template <class T> static T apply(T a, T b) { return ~a & b; } };
// clang-format on

struct Abs {
  template <class T>
  static Lanes<T> apply(const Lanes<T>& a, const Step&) {
    Lanes<T> result;
    for (unsigned i = 0; i < a.count; ++i) {
      result.lane[i] = static_cast<Signed<T>>(a.lane[i]) < 0 ? static_cast<T>(T{0} - a.lane[i]) : a.lane[i];
    }
    return result;
  }
};

// Shifts: the count is an i64, of which only that it is too large matters beyond the width.
// clang-format off
struct Shl {
  template <class T> static T apply(T a, unsigned count) { return static_cast<T>(uint64_t{a} << count); }
};
struct Shr {
  template <class T> static T apply(T a, unsigned count) { return static_cast<T>(a >> count); }
};
struct Sar {
  template <class T> static T apply(T a, unsigned count) {
    return static_cast<T>(static_cast<Signed<T>>(a) >> count);
  }
};
// clang-format on

template <class F, class T>
Next shift_handler(STRATA_STEP_PARAMS) {
  constexpr bool keeps_sign = std::is_same_v<F, Sar>;
  Lanes<T> value = STRATA_ANY(Lanes<T>, a);
  uint64_t count = STRATA_ANY(uint64_t, b);
  if (keeps_sign && count >= bits_of<T>) count = bits_of<T> - 1;
  for (T& lane : value.lane) lane = count < bits_of<T> ? F::apply(lane, static_cast<unsigned>(count)) : T{0};
  write_any(value, step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class F>
Handler shift(ir::Lane lane) {
  static constexpr Handler handlers[] = {nullptr, &shift_handler<F, uint16_t>, &shift_handler<F, uint32_t>,
                                         &shift_handler<F, uint64_t>};
  return handlers[index(width_of(ir::lane_type(lane)))];
}

template <class F>
Handler each(ir::Lane lane) {
  return binary_by_lane<Each<F>>(lane);
}

}  // namespace

Handler vector_lanewise(ir::Op op, ir::Lane lane) {
  switch (op) {
    case ir::Op::vadd: return each<Add>(lane);
    case ir::Op::vsub: return each<Sub>(lane);
    case ir::Op::vadd_sat_s: return each<AddSatS>(lane);
    case ir::Op::vadd_sat_u: return each<AddSatU>(lane);
    case ir::Op::vsub_sat_s: return each<SubSatS>(lane);
    case ir::Op::vsub_sat_u: return each<SubSatU>(lane);
    case ir::Op::vmul: return each<Mul>(lane);
    case ir::Op::vmulhi_s: return &vector_binary<Each<MulhiS>, uint16_t>;
    case ir::Op::vmulhi_u: return &vector_binary<Each<MulhiU>, uint16_t>;
    case ir::Op::vavg_u: return each<AvgU>(lane);
    case ir::Op::vmin_s: return each<MinS>(lane);
    case ir::Op::vmin_u: return each<MinU>(lane);
    case ir::Op::vmax_s: return each<MaxS>(lane);
    case ir::Op::vmax_u: return each<MaxU>(lane);
    case ir::Op::vabs: return unary_by_lane<Abs>(lane);
    case ir::Op::vcmp_eq: return each<CmpEq>(lane);
    case ir::Op::vcmp_gt_s: return each<CmpGtS>(lane);
    case ir::Op::vand: return each<And>(ir::Lane::i64);
    case ir::Op::vor: return each<Or>(ir::Lane::i64);
    case ir::Op::vxor: return each<Xor>(ir::Lane::i64);
    case ir::Op::vandn: return each<Andn>(ir::Lane::i64);
    case ir::Op::vshl: return shift<Shl>(lane);
    case ir::Op::vshr: return shift<Shr>(lane);
    case ir::Op::vsar: return shift<Sar>(lane);
    default: return nullptr;
  }
}

}  // namespace strata::codegen::interp

// Vector operations that combine lanes or change their width.
#include "codegen/interp/lanes.h"

namespace strata::codegen::interp {
namespace {

template <class Number>
struct MulEven {
  template <class>
  static Lanes<uint64_t> apply(const Lanes<uint32_t>& a, const Lanes<uint32_t>& b, const Step&) {
    Lanes<uint64_t> result;
    for (unsigned i = 0; i < 2; ++i) {
      // Number is a 64-bit type, signed or not: the lanes are extended to it.
      using Narrow = std::conditional_t<std::is_signed_v<Number>, int32_t, uint32_t>;
      const Number product = Number{static_cast<Narrow>(a.lane[2 * i])} * Number{static_cast<Narrow>(b.lane[2 * i])};
      result.lane[i] = static_cast<uint64_t>(product);
    }
    return result;
  }
};

struct Madd {
  template <class>
  static Lanes<uint32_t> apply(const Lanes<uint16_t>& a, const Lanes<uint16_t>& b, const Step&) {
    const auto product = [&](unsigned i) {
      return static_cast<uint32_t>(int32_t{static_cast<int16_t>(a.lane[i])} * static_cast<int16_t>(b.lane[i]));
    };
    Lanes<uint32_t> result;
    for (unsigned i = 0; i < 4; ++i) result.lane[i] = product(2 * i) + product(2 * i + 1);
    return result;
  }
};

struct Sad {
  template <class>
  static Lanes<uint64_t> apply(const Lanes<uint8_t>& a, const Lanes<uint8_t>& b, const Step&) {
    Lanes<uint64_t> result{};
    for (unsigned i = 0; i < 16; ++i) {
      const int difference = a.lane[i] - b.lane[i];
      result.lane[i / 8] += static_cast<unsigned>(difference < 0 ? -difference : difference);
    }
    return result;
  }
};

template <bool high>
struct Unpack {
  template <class T>
  static Lanes<T> apply(const Lanes<T>& a, const Lanes<T>& b, const Step&) {
    constexpr unsigned half = Lanes<T>::count / 2, from = high ? half : 0;
    Lanes<T> result;
    for (unsigned i = 0; i < half; ++i) {
      result.lane[2 * i] = a.lane[from + i];
      result.lane[2 * i + 1] = b.lane[from + i];
    }
    return result;
  }
};

/// Signed lanes of T to the half width, which is signed or not as Narrow says.
template <class Narrow>
struct Pack {
  template <class T>
  static Lanes<Narrow> apply(const Lanes<T>& a, const Lanes<T>& b, const Step&) {
    constexpr unsigned half = Lanes<T>::count;
    Lanes<Narrow> result;
    for (unsigned i = 0; i < half; ++i) {
      result.lane[i] = clamp<Narrow>(static_cast<Signed<T>>(a.lane[i]));
      result.lane[half + i] = clamp<Narrow>(static_cast<Signed<T>>(b.lane[i]));
    }
    return result;
  }
};

template <bool sign>
struct Widen {
  template <class T>
  static Lanes<Wider<T>> apply(const Lanes<T>& a, const Step&) {
    Lanes<Wider<T>> result;
    for (unsigned i = 0; i < result.count; ++i) {
      result.lane[i] = sign ? static_cast<Wider<T>>(static_cast<Signed<T>>(a.lane[i])) : Wider<T>{a.lane[i]};
    }
    return result;
  }
};

template <bool sign>
Handler widen(ir::Lane lane) {
  if (lane == ir::Lane::i8) return &vector_unary<Widen<sign>, uint8_t>;
  if (lane == ir::Lane::i16) return &vector_unary<Widen<sign>, uint16_t>;
  return &vector_unary<Widen<sign>, uint32_t>;
}

}  // namespace

Handler vector_across(ir::Op op, ir::Lane lane) {
  switch (op) {
    case ir::Op::vmul_even_u: return &vector_binary<MulEven<uint64_t>, uint32_t>;
    case ir::Op::vmul_even_s: return &vector_binary<MulEven<int64_t>, uint32_t>;
    case ir::Op::vmadd: return &vector_binary<Madd, uint16_t>;
    case ir::Op::vsad: return &vector_binary<Sad, uint8_t>;
    case ir::Op::vunpack_lo: return binary_by_lane<Unpack<false>>(lane);
    case ir::Op::vunpack_hi: return binary_by_lane<Unpack<true>>(lane);
    case ir::Op::vpack_s:
      return lane == ir::Lane::i16 ? &vector_binary<Pack<int8_t>, uint16_t> : &vector_binary<Pack<int16_t>, uint32_t>;
    case ir::Op::vpack_u:
      return lane == ir::Lane::i16 ? &vector_binary<Pack<uint8_t>, uint16_t> : &vector_binary<Pack<uint16_t>, uint32_t>;
    case ir::Op::vwiden_s: return widen<true>(lane);
    case ir::Op::vwiden_u: return widen<false>(lane);
    default: return nullptr;
  }
}

}  // namespace strata::codegen::interp

// Vector operations that move lanes and bytes about, and those between vectors and scalars.
#include "base/assert.h"
#include "codegen/interp/lanes.h"

namespace strata::codegen::interp {
namespace {

unsigned imm_of(const Step& step) { return static_cast<unsigned>(step.imm); }

/// 16 bytes from byte `from` on of high:low, zeros where there are none.
Lanes<uint8_t> window(const Lanes<uint8_t>& high, const Lanes<uint8_t>& low, int from) {
  Lanes<uint8_t> result;
  for (int i = 0; i < 16; ++i) {
    const int at = from + i;
    result.lane[i] = at < 0 || at > 31 ? 0 : at < 16 ? low.lane[at] : high.lane[at - 16];
  }
  return result;
}

struct ShlBytes {
  template <class>
  static Lanes<uint8_t> apply(const Lanes<uint8_t>& a, const Step& step) {
    return window({}, a, -static_cast<int>(imm_of(step)));
  }
};
struct ShrBytes {
  template <class>
  static Lanes<uint8_t> apply(const Lanes<uint8_t>& a, const Step& step) {
    return window({}, a, static_cast<int>(imm_of(step)));
  }
};
struct Align {
  template <class>
  static Lanes<uint8_t> apply(const Lanes<uint8_t>& a, const Lanes<uint8_t>& b, const Step& step) {
    return window(a, b, static_cast<int>(imm_of(step)));
  }
};

/// Four lanes from `first` on, picked out of themselves by two bits each; all others stay.
template <unsigned first>
struct Shuffle {
  template <class T>
  static Lanes<T> apply(const Lanes<T>& a, const Step& step) {
    Lanes<T> result = a;
    for (unsigned i = 0; i < 4; ++i) result.lane[first + i] = a.lane[first + (imm_of(step) >> 2 * i & 3)];
    return result;
  }
};

/// The low half of the lanes from a, the high half from b.
struct Shuffle2 {
  template <class T>
  static Lanes<T> apply(const Lanes<T>& a, const Lanes<T>& b, const Step& step) {
    constexpr unsigned count = Lanes<T>::count, width = count == 4 ? 2 : 1;
    Lanes<T> result;
    for (unsigned i = 0; i < count; ++i) {
      const unsigned from = imm_of(step) >> width * i & (count - 1);
      result.lane[i] = (i < count / 2 ? a : b).lane[from];
    }
    return result;
  }
};

struct Lookup {
  template <class>
  static Lanes<uint8_t> apply(const Lanes<uint8_t>& a, const Lanes<uint8_t>& b, const Step&) {
    Lanes<uint8_t> result;
    for (unsigned i = 0; i < 16; ++i) result.lane[i] = b.lane[i] & 0x80 ? 0 : a.lane[b.lane[i] & 15];
    return result;
  }
};

struct Blend {
  template <class T>
  static Lanes<T> apply(const Lanes<T>& a, const Lanes<T>& b, const Step& step) {
    Lanes<T> result;
    for (unsigned i = 0; i < a.count; ++i) result.lane[i] = imm_of(step) >> i & 1 ? b.lane[i] : a.lane[i];
    return result;
  }
};

template <class T>
Next blend_mask(STRATA_STEP_PARAMS) {
  Lanes<T> value = STRATA_ANY(Lanes<T>, a);
  const auto b = STRATA_ANY(Lanes<T>, b), c = STRATA_ANY(Lanes<T>, c);
  for (unsigned i = 0; i < value.count; ++i) {
    if (c.lane[i] >> (bits_of<T> - 1)) value.lane[i] = b.lane[i];
  }
  write_any(value, step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
Next extract(STRATA_STEP_PARAMS) {
  write_any(STRATA_ANY(Lanes<T>, a).lane[imm_of(*step)], step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
Next insert(STRATA_STEP_PARAMS) {
  Lanes<T> value = STRATA_ANY(Lanes<T>, a);
  value.lane[imm_of(*step)] = STRATA_ANY(T, b);
  write_any(value, step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
Next top_bits(STRATA_STEP_PARAMS) {
  const auto a = STRATA_ANY(Lanes<T>, a);
  uint32_t mask = 0;
  for (unsigned i = 0; i < a.count; ++i) mask |= static_cast<uint32_t>(a.lane[i] >> (bits_of<T> - 1)) << i;
  write_any(mask, step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
Next zero_extend(STRATA_STEP_PARAMS) {
  Lanes<T> value{};
  value.lane[0] = STRATA_ANY(T, a);
  write_any(value, step, state, frame);
  STRATA_NEXT_STEP(1);
}

template <class T>
Next splat(STRATA_STEP_PARAMS) {
  Lanes<T> value;
  for (T& lane : value.lane) lane = STRATA_ANY(T, a);
  write_any(value, step, state, frame);
  STRATA_NEXT_STEP(1);
}

// One handler a width of 8 to 64 bits.
constexpr Handler blend_masks[] = {&blend_mask<uint8_t>, &blend_mask<uint16_t>, &blend_mask<uint32_t>,
                                   &blend_mask<uint64_t>};
constexpr Handler extracts[] = {&extract<uint8_t>, &extract<uint16_t>, &extract<uint32_t>, &extract<uint64_t>};
constexpr Handler inserts[] = {&insert<uint8_t>, &insert<uint16_t>, &insert<uint32_t>, &insert<uint64_t>};
constexpr Handler masks[] = {&top_bits<uint8_t>, &top_bits<uint16_t>, &top_bits<uint32_t>, &top_bits<uint64_t>};
constexpr Handler splats[] = {&splat<uint8_t>, &splat<uint16_t>, &splat<uint32_t>, &splat<uint64_t>};

}  // namespace

Handler vector_shuffle(ir::Op op, ir::Lane lane) {
  const unsigned width = index(width_of(ir::lane_type(lane)));
  switch (op) {
    case ir::Op::vshl_bytes: return &vector_unary<ShlBytes, uint8_t>;
    case ir::Op::vshr_bytes: return &vector_unary<ShrBytes, uint8_t>;
    case ir::Op::valign: return &vector_binary<Align, uint8_t>;
    case ir::Op::vshuffle: return &vector_unary<Shuffle<0>, uint32_t>;
    case ir::Op::vshuffle_lo: return &vector_unary<Shuffle<0>, uint16_t>;
    case ir::Op::vshuffle_hi: return &vector_unary<Shuffle<4>, uint16_t>;
    case ir::Op::vshuffle2: return binary_by_lane<Shuffle2>(lane);
    case ir::Op::vlookup: return &vector_binary<Lookup, uint8_t>;
    case ir::Op::vblend: return binary_by_lane<Blend>(lane);
    case ir::Op::vblend_mask: return blend_masks[width];
    case ir::Op::vextract: return extracts[width];
    case ir::Op::vinsert: return inserts[width];
    case ir::Op::vmask: return masks[width];
    default: return nullptr;
  }
}

Handler vector(ir::Op op, ir::Lane lane) {
  if (const Handler handler = vector_lanewise(op, lane)) return handler;
  if (const Handler handler = vector_across(op, lane)) return handler;
  if (const Handler handler = vector_shuffle(op, lane)) return handler;
  const Handler handler = vector_crypto(op);
  STRATA_ASSERT(handler, "a vector operation without a handler");
  return handler;
}

Handler vector_from_scalar(ir::Op op, ir::Type type) {
  if (op == ir::Op::vsplat) return splats[index(width_of(type))];
  return ir::bits(type) == 32 ? &zero_extend<uint32_t> : &zero_extend<uint64_t>;
}

}  // namespace strata::codegen::interp

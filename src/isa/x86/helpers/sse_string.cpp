// The string comparisons of SSE4.2 (SDM vol. 2, 4.1).
#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bits.h"
#include "isa/x86/cpu.h"
#include "isa/x86/helpers/define.h"
#include "isa/x86/helpers/sse.h"

namespace strata::isa::x86::helpers {
namespace {

/// The immediate of PCMPxSTRx.
struct Control {
  explicit Control(uint64_t imm)
      : words(imm & 1),
        is_signed(imm & 2),
        aggregation(static_cast<Aggregation>(imm >> 2 & 3)),
        negative(imm & 0x10),
        only_valid(imm & 0x20),
        most_significant(imm & 0x40) {}

  enum Aggregation : uint8_t { equal_any, ranges, equal_each, equal_ordered };

  bool words, is_signed;
  Aggregation aggregation;
  bool negative, only_valid;  ///< polarity
  bool most_significant;      ///< which index
  unsigned elements() const { return words ? 8 : 16; }
};

/// A string's elements as numbers, and how many of them count.
struct Text {
  Text(const ir::Vec128& v, const Control& control) {
    for (unsigned i = 0; i < control.elements(); ++i) {
      const uint64_t half = control.words ? (i < 4 ? v.lo : v.hi) : (i < 8 ? v.lo : v.hi);
      if (control.words) set(i, half >> (i % 4 * 16) & 0xffff, 16, control.is_signed);
      else set(i, half >> (i % 8 * 8) & 0xff, 8, control.is_signed);
    }
  }

  void end_at_zero(unsigned elements) {
    length = static_cast<unsigned>(std::find(element, element + elements, 0) - element);
  }

  int32_t element[16];
  unsigned length = 0;

 private:
  void set(unsigned i, uint64_t raw, unsigned bits, bool is_signed) {
    element[i] = is_signed ? static_cast<int32_t>(sign_extend(raw, bits)) : static_cast<int32_t>(raw);
  }
};

bool in_set(const Text& set, int32_t value) {
  return std::find(set.element, set.element + set.length, value) != set.element + set.length;
}

bool in_ranges(const Text& ranges, int32_t value) {
  for (unsigned i = 0; i + 1 < ranges.length; i += 2)
    if (ranges.element[i] <= value && value <= ranges.element[i + 1]) return true;
  return false;
}

/// Whether `part` stands in `text` at a place, or begins there and goes beyond the last element.
bool stands_at(const Text& part, const Text& text, unsigned place, unsigned elements) {
  for (unsigned i = 0; i < part.length && place + i < elements; ++i)
    if (place + i >= text.length || part.element[i] != text.element[place + i]) return false;
  return true;
}

bool same_at(const Text& a, const Text& b, unsigned i) {
  if (i >= a.length || i >= b.length) return i >= a.length && i >= b.length;
  return a.element[i] == b.element[i];
}

/// One bit of IntRes1.
bool holds_at(const Control& control, const Text& a, const Text& b, unsigned i) {
  switch (control.aggregation) {
    case Control::equal_any: return i < b.length && in_set(a, b.element[i]);
    case Control::ranges: return i < b.length && in_ranges(a, b.element[i]);
    case Control::equal_each: return same_at(a, b, i);
    default: return stands_at(a, b, i, control.elements());
  }
}

uint64_t compare(const Control& control, const Text& a, const Text& b) {
  const unsigned elements = control.elements();
  uint32_t bits = 0;
  for (unsigned i = 0; i < elements; ++i) {
    const bool inverted = control.negative && (!control.only_valid || i < b.length);
    bits |= static_cast<uint32_t>(holds_at(control, a, b, i) != inverted) << i;
  }
  uint64_t index = elements;
  if (bits)
    index = static_cast<unsigned>(control.most_significant ? 31 - std::countl_zero(bits) : std::countr_zero(bits));
  uint64_t flags = 0;
  if (bits) flags |= Rflags::cf;
  if (b.length < elements) flags |= Rflags::zf;
  if (a.length < elements) flags |= Rflags::sf;
  if (bits & 1) flags |= Rflags::of;
  return bits | index << StringResult::index_at | flags << StringResult::flags_at;
}

uint64_t terminated(ir::ExecContext&, const ir::Vec128* a, const ir::Vec128* b, uint64_t imm) {
  const Control control(imm);
  Text first(*a, control), second(*b, control);
  first.end_at_zero(control.elements());
  second.end_at_zero(control.elements());
  return compare(control, first, second);
}

/// The absolute value of a length, at most all elements.
unsigned length_of(uint64_t reg, uint64_t bits, unsigned elements) {
  const int64_t length = bits == 64 ? static_cast<int64_t>(reg) : static_cast<int32_t>(reg);
  const uint64_t magnitude = length < 0 ? uint64_t{0} - static_cast<uint64_t>(length) : static_cast<uint64_t>(length);
  return static_cast<unsigned>(std::min<uint64_t>(magnitude, elements));
}

uint64_t counted(ir::ExecContext& context, const ir::Vec128* a, const ir::Vec128* b, uint64_t imm, uint64_t bits) {
  const State& state = Cpu::of(context).state;
  const Control control(imm);
  Text first(*a, control), second(*b, control);
  first.length = length_of(state.gpr[rax], bits, control.elements());
  second.length = length_of(state.gpr[rdx], bits, control.elements());
  return compare(control, first, second);
}

uint64_t spread(ir::ExecContext&, ir::Vec128* result, uint64_t bits, uint64_t width) {
  const unsigned per_half = static_cast<unsigned>(64 / width);
  const uint64_t ones = (uint64_t{1} << width) - 1;
  *result = {};
  for (unsigned i = 0; i < per_half; ++i) {
    if (bits >> i & 1) result->lo |= ones << (i * width);
    if (bits >> (i + per_half) & 1) result->hi |= ones << (i * width);
  }
  return 0;
}

using enum ir::Type;
using ir::HelperEffect;

}  // namespace

const ir::Helper compare_terminated =
    define_helper("compare_terminated", terminated, i64, {v128, v128, i8}, HelperEffect::pure);
const ir::Helper compare_counted =
    define_helper("compare_counted", counted, i64, {v128, v128, i8, i8}, HelperEffect::reads_state);
const ir::Helper spread_mask = define_helper("spread_mask", spread, v128, {i64, i8}, HelperEffect::pure);

}  // namespace strata::isa::x86::helpers

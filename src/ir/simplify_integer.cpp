// Rules for integer arithmetic, logic, shifts and rotates.
#include <bit>

#include "base/bits.h"
#include "ir/simplify.h"

namespace strata::ir {
namespace {

/// not (a < b) is b <= a, and so on for comparisons and conditions; no_value where `truth` is none of these.
Value opposite_of(Emitter& emitter, const Instr& truth) {
  if (truth.op >= Op::eq && truth.op <= Op::le_s) {
    return compared(emitter, truth.op, truth.type, truth.arg[0], truth.arg[1], true);
  }
  if (truth.op != Op::cond) return no_value;
  const Cond cond = opposite(static_cast<Cond>(truth.imm));
  return emitter.emit(Op::cond, Type::i1, truth.arg[0], no_value, no_value, static_cast<uint64_t>(cond));
}

/// (x op c1) op c2 is x op (c1 op c2) for and, or, xor, mul.
Value reassociate(Emitter& emitter, const Instr& instr) {
  const Instr inner = emitter.at(instr.arg[0]);
  if (inner.op != instr.op || !emitter.is_constant(inner.arg[1])) return no_value;
  const Value constant = emitter.emit(instr.op, instr.type, inner.arg[1], instr.arg[1]);
  return emitter.emit(instr.op, instr.type, inner.arg[0], constant);
}

/// x + c1 - c2 and the like become one addition or subtraction of the smaller number: pushes, pops, array elements.
Value merge_offsets(Emitter& emitter, const Instr& instr) {
  const Instr inner = emitter.at(instr.arg[0]);
  if ((inner.op != Op::add && inner.op != Op::sub) || !emitter.is_constant(inner.arg[1])) return no_value;
  const auto offset = [&](const Instr& of) {
    const uint64_t amount = emitter.at(of.arg[1]).imm;
    return of.op == Op::add ? amount : uint64_t{0} - amount;
  };
  const int64_t sum = sign_extend(offset(inner) + offset(instr), bits(instr.type));
  const uint64_t amount = static_cast<uint64_t>(sum < 0 ? uint64_t{0} - static_cast<uint64_t>(sum) : sum);
  return emitter.emit(sum < 0 ? Op::sub : Op::add, instr.type, inner.arg[0], emitter.constant(instr.type, amount));
}

/// Masks that take nothing away from a value widened with zeros.
bool mask_is_idle(const Emitter& emitter, Value x, uint64_t kept) {
  if (emitter.at(x).op != Op::zext) return false;
  const uint64_t all = mask(emitter.type_of(emitter.at(x).arg[0]));
  return (kept & all) == all;
}

/// ((x & m) + y) & m is (x + y) & m, for masks of low bits: carries go upwards only. Addresses that wrap at their width.
Value masked_sum(Emitter& emitter, const Instr& instr, uint64_t kept) {
  const Instr sum = emitter.at(instr.arg[0]);
  if ((kept & (kept + 1)) != 0 || (sum.op != Op::add && sum.op != Op::sub && sum.op != Op::mul)) return no_value;
  const auto unmasked = [&](Value value) {
    const Instr& mask = emitter.at(value);
    const bool idle =
        mask.op == Op::and_ && emitter.is_constant(mask.arg[1]) && (emitter.at(mask.arg[1]).imm & kept) == kept;
    return idle ? mask.arg[0] : value;
  };
  const Value a = unmasked(sum.arg[0]), b = unmasked(sum.arg[1]);
  if (a == sum.arg[0] && b == sum.arg[1]) return no_value;
  return emitter.emit(Op::and_, instr.type, emitter.emit(sum.op, instr.type, a, b), instr.arg[1]);
}

/// (x + c) & m is x & m where m masks low bits of which c has none: tests of alignment.
Value masked_before_sum(Emitter& emitter, const Instr& instr, uint64_t kept) {
  const Instr sum = emitter.at(instr.arg[0]);
  if ((kept & (kept + 1)) != 0 || (sum.op != Op::add && sum.op != Op::sub)) return no_value;
  if (!emitter.is_constant(sum.arg[1]) || (emitter.at(sum.arg[1]).imm & kept) != 0) return no_value;
  return emitter.emit(Op::and_, instr.type, sum.arg[0], instr.arg[1]);
}

/// x & b, where b is neither zero nor all ones.
Value simplify_mask(Emitter& emitter, const Instr& instr, uint64_t b) {
  if (mask_is_idle(emitter, instr.arg[0], b)) return instr.arg[0];
  if (const Value simpler = masked_before_sum(emitter, instr, b); simpler != no_value) return simpler;
  const Value sum = masked_sum(emitter, instr, b);
  return sum != no_value ? sum : reassociate(emitter, instr);
}

Value simplify_unary(Emitter& emitter, const Instr& instr) {
  const Instr inner = emitter.at(instr.arg[0]);
  if (inner.op == instr.op) return inner.arg[0];
  if (instr.op == Op::neg && inner.op == Op::zext && emitter.type_of(inner.arg[0]) == Type::i1) {
    return emitter.emit(Op::sext, instr.type, inner.arg[0]);  // a borrow spread over all bits
  }
  return no_value;
}

Value simplify_with_constant(Emitter& emitter, Instr& instr, uint64_t b) {
  const Value x = instr.arg[0], c = instr.arg[1];
  const uint64_t ones = mask(instr.type);
  switch (instr.op) {
    case Op::add:
    case Op::sub: return b == 0 ? x : merge_offsets(emitter, instr);
    case Op::and_: return b == ones ? x : b == 0 ? c : simplify_mask(emitter, instr, b);
    case Op::or_: return b == 0 ? x : b == ones ? c : reassociate(emitter, instr);
    case Op::xor_:
      if (b == 0) return x;
      if (instr.type == Type::i1) {
        if (const Value direct = opposite_of(emitter, Instr(emitter.at(x))); direct != no_value) return direct;
      } else if (b == ones) {
        return emitter.emit(Op::not_, instr.type, x);
      }
      return reassociate(emitter, instr);
    case Op::mul:
      if (b == 0 || b == 1) return b == 0 ? c : x;
      if (std::has_single_bit(b)) {
        const Value count = emitter.constant(Type::i8, static_cast<uint64_t>(std::countr_zero(b)));
        return emitter.emit(Op::shl, instr.type, x, count);
      }
      return reassociate(emitter, instr);
    case Op::div_u:
    case Op::div_s: return b == 1 ? x : no_value;
    case Op::rem_u: return b == 1 ? emitter.constant(instr.type, 0) : no_value;
    default: return no_value;
  }
}

}  // namespace

Value simplify_integer(Emitter& emitter, Instr& instr) {
  const Value a = instr.arg[0], b = instr.arg[1];
  if (instr.op == Op::not_ || instr.op == Op::neg) return simplify_unary(emitter, instr);
  if (emitter.is_constant(b)) return simplify_with_constant(emitter, instr, emitter.at(b).imm);
  if (instr.op == Op::sub && emitter.is_constant(a, 0)) return emitter.emit(Op::neg, instr.type, b);
  if (a != b) return no_value;
  switch (instr.op) {
    case Op::sub:
    case Op::xor_: return emitter.constant(instr.type, 0);
    case Op::and_:
    case Op::or_: return a;
    default: return no_value;
  }
}

Value simplify_shift(Emitter& emitter, Instr& instr) {
  const uint64_t width = bits(instr.type);
  const Instr count = emitter.at(instr.arg[1]);
  if (count.op == Op::constant) {
    if (count.imm % width == 0) return instr.arg[0];
    if (count.imm >= width) instr.arg[1] = emitter.constant(Type::i8, count.imm % width);
  } else if (count.op == Op::and_ && emitter.is_constant(count.arg[1]) &&
             (emitter.at(count.arg[1]).imm & (width - 1)) == width - 1) {
    instr.arg[1] = count.arg[0];  // the count is taken modulo the width anyway
  }
  return emitter.is_constant(instr.arg[0], 0) ? instr.arg[0] : no_value;
}

}  // namespace strata::ir

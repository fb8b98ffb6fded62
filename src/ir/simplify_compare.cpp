// Rules for comparisons.
#include "ir/simplify.h"

#include "base/assert.h"

namespace strata::ir {
namespace {

/// x == x, x < x and so on.
Value compare_with_itself(Emitter& emitter, Op op) {
  return emitter.constant(Type::i1, op == Op::eq || op == Op::le_u || op == Op::le_s);
}

/// eq and ne of a truth value and a constant.
Value compare_truth(Emitter& emitter, const Instr& instr, bool constant) {
  return constant == (instr.op == Op::eq) ? instr.arg[0] : inverted(emitter, instr.arg[0]);
}

/// eq and ne with a constant that look through the left operand.
Value compare_equal(Emitter& emitter, const Instr& instr, uint64_t constant) {
  if (instr.type == Type::i1) return compare_truth(emitter, instr, constant != 0);
  const Instr left = emitter.at(instr.arg[0]);
  if (left.op == Op::zext) {  // compare before widening
    const Type narrow = emitter.type_of(left.arg[0]);
    if (constant & ~mask(narrow)) return emitter.constant(Type::i1, instr.op == Op::ne);
    return emitter.emit(instr.op, narrow, left.arg[0], emitter.constant(narrow, constant));
  }
  if (constant == 0 && (left.op == Op::sub || left.op == Op::xor_)) {  // a - b == 0
    return emitter.emit(instr.op, instr.type, left.arg[0], left.arg[1]);
  }
  return no_value;
}

/// Unsigned orders at the ends of the range.
Value compare_unsigned(Emitter& emitter, const Instr& instr) {
  const Value a = instr.arg[0], b = instr.arg[1];
  const bool less = instr.op == Op::lt_u;
  if (emitter.is_constant(b, 0)) {  // x < 0, x <= 0
    return less ? emitter.constant(Type::i1, 0) : emitter.emit(Op::eq, instr.type, a, b);
  }
  if (emitter.is_constant(a, 0)) {  // 0 < x, 0 <= x
    return less ? emitter.emit(Op::ne, instr.type, b, a) : emitter.constant(Type::i1, 1);
  }
  if (less && emitter.is_constant(b, 1)) {
    return emitter.emit(Op::eq, instr.type, a, emitter.constant(instr.type, 0));
  }
  return no_value;
}

}  // namespace

Value compared(Emitter& emitter, Op op, Type type, Value a, Value b, bool opposite) {
  if (!opposite) return emitter.emit(op, type, a, b);
  switch (op) {
    case Op::eq: return emitter.emit(Op::ne, type, a, b);
    case Op::ne: return emitter.emit(Op::eq, type, a, b);
    case Op::lt_u: return emitter.emit(Op::le_u, type, b, a);
    case Op::le_u: return emitter.emit(Op::lt_u, type, b, a);
    case Op::lt_s: return emitter.emit(Op::le_s, type, b, a);
    case Op::le_s: return emitter.emit(Op::lt_s, type, b, a);
    default: STRATA_UNREACHABLE();
  }
}

Value simplify_compare(Emitter& emitter, Instr& instr) {
  if (instr.arg[0] == instr.arg[1]) return compare_with_itself(emitter, instr.op);
  if (instr.op == Op::lt_u || instr.op == Op::le_u) return compare_unsigned(emitter, instr);
  const bool equality = instr.op == Op::eq || instr.op == Op::ne;
  if (equality && emitter.is_constant(instr.arg[1])) return compare_equal(emitter, instr, emitter.at(instr.arg[1]).imm);
  return no_value;
}

}  // namespace strata::ir

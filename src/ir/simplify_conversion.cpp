// Rules for select, widening, narrowing and reinterpretation.
#include "base/bits.h"
#include "ir/simplify.h"

namespace strata::ir {
namespace {

Value simplify_select(Emitter& emitter, Instr& instr) {
  const Value condition = instr.arg[0], yes = instr.arg[1], no = instr.arg[2];
  if (emitter.is_constant(condition)) return emitter.is_constant(condition, 1) ? yes : no;
  if (yes == no) return yes;
  if (instr.type == Type::i1 && emitter.is_constant(yes) && emitter.is_constant(no)) {  // they differ: c or not c
    return emitter.is_constant(yes, 1) ? condition : inverted(emitter, condition);
  }
  const Instr& test = emitter.at(condition);
  if (test.op == Op::xor_ && emitter.is_constant(test.arg[1], 1)) {  // not c ? a : b
    instr.arg[0] = test.arg[0], instr.arg[1] = no, instr.arg[2] = yes;
  }
  return no_value;
}

/// A value brought to a type by zext, trunc or neither.
Value resize_unsigned(Emitter& emitter, Type type, Value value) {
  const Type from = emitter.type_of(value);
  return from == type ? value : emitter.emit(from < type ? Op::zext : Op::trunc, type, value);
}

Value simplify_widening(Emitter& emitter, const Instr& instr) {
  const Instr& inner = emitter.at(instr.arg[0]);
  const bool same = inner.op == instr.op, after_zext = inner.op == Op::zext;  // sext of a zext sees no sign
  if (!same && !after_zext) return no_value;
  return emitter.emit(inner.op, instr.type, inner.arg[0]);
}

/// The value as what was extended with its sign; no_value where it was not.
Value before_sext(Emitter& emitter, Type type, Value value) {
  const Instr& instr = emitter.at(value);
  if (instr.op == Op::constant) return emitter.constant(type, instr.imm);
  return instr.op == Op::sext && emitter.type_of(instr.arg[0]) == type ? instr.arg[0] : no_value;
}

/// The lower half of a product needs no wider one; that stays where its upper half is wanted too. Front ends make
/// products of zext for both halves.
Value simplify_low_product(Emitter& emitter, Type type, const Instr& product) {
  if (type == Type::i1) return no_value;  // of which there are no products
  const Value left = before_sext(emitter, type, product.arg[0]);
  if (left == no_value) return no_value;
  const Value right = before_sext(emitter, type, product.arg[1]);
  return right == no_value ? no_value : emitter.emit(Op::mul, type, left, right);
}

Value simplify_trunc(Emitter& emitter, const Instr& instr) {
  const Instr inner = emitter.at(instr.arg[0]);
  switch (inner.op) {
    case Op::trunc: return emitter.emit(Op::trunc, instr.type, inner.arg[0]);
    case Op::zext: return resize_unsigned(emitter, instr.type, inner.arg[0]);
    case Op::sext: {
      const Type from = emitter.type_of(inner.arg[0]);
      return from < instr.type ? emitter.emit(Op::sext, instr.type, inner.arg[0])
                               : resize_unsigned(emitter, instr.type, inner.arg[0]);
    }
    case Op::insert_low:  // the part that was put in, or nothing of it but more
      if (instr.type > emitter.type_of(inner.arg[1])) return no_value;
      return resize_unsigned(emitter, instr.type, inner.arg[1]);
    case Op::mul: return simplify_low_product(emitter, instr.type, inner);
    case Op::and_:  // a mask that the cut makes superfluous
      if (!emitter.is_constant(inner.arg[1])) return no_value;
      if ((emitter.at(inner.arg[1]).imm & mask(instr.type)) != mask(instr.type)) return no_value;
      return emitter.emit(Op::trunc, instr.type, inner.arg[0]);
    default: return no_value;
  }
}

Value simplify_insert_low(Emitter& emitter, Instr& instr) {
  const Instr& wide = emitter.at(instr.arg[0]);
  const Instr& narrow = emitter.at(instr.arg[1]);
  const Type low = result_type(emitter.unit(), narrow);
  if (narrow.op == Op::trunc && narrow.arg[0] == instr.arg[0]) return instr.arg[0];
  if (wide.op == Op::insert_low && emitter.type_of(wide.arg[1]) <= low) instr.arg[0] = wide.arg[0];  // overwritten
  if (emitter.is_constant(instr.arg[0], 0)) return emitter.emit(Op::zext, instr.type, instr.arg[1]);
  return no_value;
}

}  // namespace

Value simplify_conversion(Emitter& emitter, Instr& instr) {
  switch (instr.op) {
    case Op::select: return simplify_select(emitter, instr);
    case Op::zext:
    case Op::sext: return simplify_widening(emitter, instr);
    case Op::trunc: return simplify_trunc(emitter, instr);
    case Op::insert_low: return simplify_insert_low(emitter, instr);
    default: {  // bitcast there and back
      const Instr& inner = emitter.at(instr.arg[0]);
      return inner.op == Op::bitcast ? inner.arg[0] : no_value;
    }
  }
}

}  // namespace strata::ir

// Constant folding, and which group of rules an operation belongs to.
#include "ir/simplify.h"

#include "ir/evaluate.h"

namespace strata::ir {
namespace {

/// The constant that the instruction gives if all its operands are constants.
Value fold(Emitter& emitter, const Instr& instr) {
  Constant operands[3];
  unsigned count = 0;
  for (; count < 3 && instr.arg[count] != no_value; ++count) {
    const Instr& operand = emitter.at(instr.arg[count]);
    if (operand.op != Op::constant) return no_value;
    operands[count] = {operand.type, operand.imm};
  }
  const auto result = evaluate(instr, {operands, count});
  return result ? emitter.constant(result_type(emitter.unit(), instr), *result) : no_value;
}

}  // namespace

Value simplify(Emitter& emitter, Instr& instr) {
  if (instr.op >= Op::vadd) return simplify_vector(emitter, instr);
  if (instr.op == Op::constant || instr.op == Op::vconstant) return no_value;
  // Few instructions have a constant to the left, so that fold ends early.
  if (const Value folded = fold(emitter, instr); folded != no_value) return folded;
  if (instr.op == Op::adc || instr.op == Op::sbb || instr.op == Op::carry_adc || instr.op == Op::carry_sbb)
    return simplify_carry(emitter, instr);
  if (instr.op <= Op::neg) return simplify_integer(emitter, instr);
  if (instr.op <= Op::rotr) return simplify_shift(emitter, instr);
  if (instr.op >= Op::eq && instr.op <= Op::le_s) return simplify_compare(emitter, instr);
  if (instr.op >= Op::select && instr.op <= Op::bitcast) return simplify_conversion(emitter, instr);
  if (instr.op == Op::cond) return simplify_cond(emitter, instr);
  if (instr.op >= Op::flags_add && instr.op <= Op::flags_merge) return simplify_flags(emitter, instr);
  return no_value;
}

Value inverted(Emitter& emitter, Value truth) {
  return emitter.emit(Op::xor_, Type::i1, truth, emitter.constant(Type::i1, 1));
}

}  // namespace strata::ir

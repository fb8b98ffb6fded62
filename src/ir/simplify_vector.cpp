// Rules for vectors: idioms for zero and ones, and lanes read back where they were written.
#include "ir/simplify.h"

namespace strata::ir {
namespace {

Value simplify_extract(Emitter& emitter, const Instr& instr) {
  const Instr from = emitter.at(instr.arg[0]);
  if (from.op == Op::vinsert && from.lane == instr.lane) {
    if (from.imm == instr.imm) return from.arg[1];
    Instr extract = instr;
    extract.arg[0] = from.arg[0];
    return emitter.emit(extract);
  }
  const bool low = from.op == Op::vzext && instr.imm == 0;
  const bool any = from.op == Op::vsplat;
  return (low || any) && emitter.type_of(from.arg[0]) == instr.type ? from.arg[0] : no_value;
}

/// Over the only lane that is not zero.
Value simplify_insert(Emitter& emitter, const Instr& instr) {
  const Instr& into = emitter.at(instr.arg[0]);
  const bool replaces = into.op == Op::vzext && instr.imm == 0 &&
                        emitter.type_of(into.arg[0]) == emitter.type_of(instr.arg[1]) &&
                        bits(lane_type(instr.lane)) >= 32;
  return replaces ? emitter.emit(Op::vzext, Type::v128, instr.arg[1]) : no_value;
}

/// Shifts of the whole vector by bytes: so many that nothing is left, or none.
Value simplify_byte_shift(Emitter& emitter, const Instr& instr) {
  if (instr.imm == 0) return instr.arg[0];
  return instr.imm >= 16 ? emitter.vconstant({}) : no_value;
}

Value simplify_align(Emitter& emitter, const Instr& instr) {
  if (instr.imm == 0) return instr.arg[1];
  if (instr.imm < 16) return no_value;
  return emitter.emit(Op::vshr_bytes, Type::v128, instr.arg[0], no_value, no_value, instr.imm - 16);
}

Value with_itself(Emitter& emitter, const Instr& instr) {
  switch (instr.op) {
    case Op::vand:
    case Op::vor: return instr.arg[0];
    case Op::vxor:
    case Op::vsub:
    case Op::vandn:
    case Op::vcmp_gt_s: return emitter.vconstant({});
    case Op::vcmp_eq: return emitter.vconstant({~uint64_t{0}, ~uint64_t{0}});
    default: return no_value;
  }
}

}  // namespace

Value simplify_vector(Emitter& emitter, Instr& instr) {
  switch (instr.op) {
    case Op::vextract: return simplify_extract(emitter, instr);
    case Op::vinsert: return simplify_insert(emitter, instr);
    case Op::vshl_bytes:
    case Op::vshr_bytes: return simplify_byte_shift(emitter, instr);
    case Op::valign: return simplify_align(emitter, instr);
    default: return instr.arg[0] == instr.arg[1] ? with_itself(emitter, instr) : no_value;
  }
}

}  // namespace strata::ir

// Rules for flags: merges of merges, and conditions read straight off the operation that made the flags.
#include "ir/simplify.h"

namespace strata::ir {
namespace {

/// A condition without its direction: the even one of the pair.
Cond positive(Cond cond) { return static_cast<Cond>(static_cast<uint8_t>(cond) & ~1u); }
bool is_negative(Cond cond) { return static_cast<uint8_t>(cond) & 1; }

/// A positive condition on the flags of a - b.
Value cond_of_sub(Emitter& emitter, Cond cond, const Instr& flags) {
  const Value a = flags.arg[0], b = flags.arg[1];
  const auto compare = [&](Op op, Value x, Value y) { return emitter.emit(op, flags.type, x, y); };
  switch (cond) {
    case Cond::z: return compare(Op::eq, a, b);
    case Cond::c: return compare(Op::lt_u, a, b);
    case Cond::be: return compare(Op::le_u, a, b);
    case Cond::l: return compare(Op::lt_s, a, b);
    case Cond::le: return compare(Op::le_s, a, b);
    case Cond::s: return compare(Op::lt_s, compare(Op::sub, a, b), emitter.constant(flags.type, 0));
    default: return no_value;
  }
}

/// A positive condition on the flags of a result with neither carry nor overflow.
Value cond_of_logic(Emitter& emitter, Cond cond, const Instr& flags) {
  const auto compare = [&](Op op) {
    return emitter.emit(op, flags.type, flags.arg[0], emitter.constant(flags.type, 0));
  };
  switch (cond) {
    case Cond::o: case Cond::c: return emitter.constant(Type::i1, 0);
    case Cond::z: case Cond::be: return compare(Op::eq);
    case Cond::s: case Cond::l: return compare(Op::lt_s);
    case Cond::le: return compare(Op::le_s);
    default: return no_value;
  }
}

/// A positive condition on the flags of a + b.
Value cond_of_add(Emitter& emitter, Cond cond, const Instr& flags) {
  if (cond != Cond::z && cond != Cond::s && cond != Cond::c) return no_value;
  const Value sum = emitter.emit(Op::add, flags.type, flags.arg[0], flags.arg[1]);
  if (cond == Cond::c) return emitter.emit(Op::lt_u, flags.type, sum, flags.arg[0]);
  return emitter.emit(cond == Cond::z ? Op::eq : Op::lt_s, flags.type, sum, emitter.constant(flags.type, 0));
}

Value cond_on(Emitter& emitter, Cond cond, const Instr& flags) {
  switch (flags.op) {
    case Op::flags_sub: return cond_of_sub(emitter, cond, flags);
    case Op::flags_logic: return cond_of_logic(emitter, cond, flags);
    case Op::flags_add: return cond_of_add(emitter, cond, flags);
    default: return no_value;
  }
}

}  // namespace

Value simplify_cond(Emitter& emitter, Instr& instr) {
  const auto cond = static_cast<Cond>(instr.imm);
  const Instr flags = emitter.at(instr.arg[0]);
  if (flags.op == Op::flags_merge) {
    const uint32_t read = flags_read(cond), fresh = read & static_cast<uint32_t>(flags.imm);
    if (fresh != 0 && fresh != read) return no_value;  // reads from both sides
    return emitter.emit(Op::cond, Type::i1, flags.arg[fresh ? 1 : 0], no_value, no_value, instr.imm);
  }
  const Value positively = cond_on(emitter, positive(cond), flags);
  return positively != no_value && is_negative(cond) ? inverted(emitter, positively) : positively;
}

Value simplify_flags(Emitter& emitter, Instr& instr) {
  if (instr.op == Op::flags_adc || instr.op == Op::flags_sbb) {
    if (!emitter.is_constant(instr.arg[2], 0)) return no_value;
    return emitter.emit(instr.op == Op::flags_adc ? Op::flags_add : Op::flags_sub, instr.type, instr.arg[0],
                        instr.arg[1]);
  }
  if (instr.op != Op::flags_merge) return no_value;
  if (instr.imm == 0 || instr.arg[0] == instr.arg[1]) return instr.arg[0];
  if (instr.imm == Flag::all) return instr.arg[1];
  const Instr& old = emitter.at(instr.arg[0]);
  const Instr& fresh = emitter.at(instr.arg[1]);
  if (old.op == Op::flags_merge) {
    if ((old.imm & ~instr.imm) == 0) instr.arg[0] = old.arg[0];  // all that it put in is replaced
  }
  if (fresh.op == Op::flags_merge) {
    const uint64_t inside = fresh.imm & instr.imm;
    if (inside == 0 || inside == instr.imm) instr.arg[1] = fresh.arg[inside ? 1 : 0];
  }
  return instr.arg[0] == instr.arg[1] ? instr.arg[0] : no_value;
}

}  // namespace strata::ir

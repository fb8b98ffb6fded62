// Rules for flags: merges of merges, and conditions read straight off the operation that made the flags.
#include "ir/simplify.h"

namespace strata::ir {
namespace {

/// The question that a condition asks: one of the even conditions, or the opposite of it.
struct Question {
  Emitter& emitter;
  Cond cond;
  bool opposite;

  Value compare(Op op, Type type, Value a, Value b) const { return compared(emitter, op, type, a, b, opposite); }
  Value with_zero(Op op, Type type, Value a) const { return compare(op, type, a, emitter.constant(type, 0)); }
  Value truth(Value truth) const { return opposite ? inverted(emitter, truth) : truth; }
  Value answer(bool truth) const { return emitter.constant(Type::i1, truth != opposite); }
};

/// On the flags of a - b.
Value ask_sub(const Question& question, const Instr& flags) {
  const Value a = flags.arg[0], b = flags.arg[1];
  switch (question.cond) {
    case Cond::z: return question.compare(Op::eq, flags.type, a, b);
    case Cond::c: return question.compare(Op::lt_u, flags.type, a, b);
    case Cond::be: return question.compare(Op::le_u, flags.type, a, b);
    case Cond::l: return question.compare(Op::lt_s, flags.type, a, b);
    case Cond::le: return question.compare(Op::le_s, flags.type, a, b);
    case Cond::s: return question.with_zero(Op::lt_s, flags.type, question.emitter.emit(Op::sub, flags.type, a, b));
    default: return no_value;
  }
}

/// On the flags of a result that has neither carry nor overflow.
Value ask_logic(const Question& question, const Instr& flags) {
  switch (question.cond) {
    case Cond::o:
    case Cond::c: return question.answer(false);
    case Cond::z:
    case Cond::be: return question.with_zero(Op::eq, flags.type, flags.arg[0]);
    case Cond::s:
    case Cond::l: return question.with_zero(Op::lt_s, flags.type, flags.arg[0]);
    case Cond::le: return question.with_zero(Op::le_s, flags.type, flags.arg[0]);
    default: return no_value;
  }
}

/// On the flags of a + b.
Value ask_add(const Question& question, const Instr& flags) {
  const auto sum = [&] { return question.emitter.emit(Op::add, flags.type, flags.arg[0], flags.arg[1]); };
  switch (question.cond) {
    case Cond::z: return question.with_zero(Op::eq, flags.type, sum());
    case Cond::s: return question.with_zero(Op::lt_s, flags.type, sum());
    case Cond::c:
      if (bits(flags.type) < 32) return question.compare(Op::lt_u, flags.type, sum(), flags.arg[0]);
      return question.truth(question.emitter.emit(Op::carry_adc, flags.type, flags.arg[0], flags.arg[1],
                                                  question.emitter.constant(Type::i1, 0)));
    default: return no_value;
  }
}

/// On the flags of a + b + c, or of a - b - c.
Value ask_with_carry(const Question& question, const Instr& flags) {
  if (bits(flags.type) < 32) return no_value;
  const bool add = flags.op == Op::flags_adc;
  const auto emit = [&](Op op) {
    return question.emitter.emit(op, flags.type, flags.arg[0], flags.arg[1], flags.arg[2]);
  };
  const auto result = [&] { return emit(add ? Op::adc : Op::sbb); };
  switch (question.cond) {
    case Cond::z: return question.with_zero(Op::eq, flags.type, result());
    case Cond::s: return question.with_zero(Op::lt_s, flags.type, result());
    case Cond::c: return question.truth(emit(add ? Op::carry_adc : Op::carry_sbb));
    default: return no_value;
  }
}

bool is_truth(const Emitter& emitter, const Instr& instr) {
  return instr.op == Op::zext && emitter.type_of(instr.arg[0]) == Type::i1;
}

/// On a single flag that was put in its place: carry, or overflow.
Value ask_single(const Question& question, const Instr& flags) {
  const Emitter& emitter = question.emitter;
  if (question.cond == Cond::c && is_truth(emitter, flags)) return question.truth(flags.arg[0]);
  if (question.cond != Cond::o || flags.op != Op::shl) return no_value;
  const Instr& single = emitter.at(flags.arg[0]);
  const bool in_place = is_truth(emitter, single) && emitter.is_constant(flags.arg[1], 11);
  return in_place ? question.truth(single.arg[0]) : no_value;
}

/// Those that may be set.
uint32_t possible(const Emitter& emitter, Value flags) {
  const Instr& instr = emitter.at(flags);
  if (instr.op == Op::constant) return static_cast<uint32_t>(instr.imm);
  if (instr.op == Op::flags_logic) return Flag::parity | Flag::zero | Flag::sign;
  if (is_truth(emitter, instr)) return Flag::carry;
  if (instr.op != Op::shl || !is_truth(emitter, emitter.at(instr.arg[0]))) return Flag::all;
  const Instr& count = emitter.at(instr.arg[1]);
  return count.op == Op::constant && count.imm < 32 ? uint32_t{1} << count.imm : Flag::all;
}

/// As much of the value as the wanted ones need.
Value part(Emitter& emitter, Value flags, uint32_t wanted) {
  for (;;) {
    if ((possible(emitter, flags) & wanted) == 0) return emitter.constant(Type::i32, 0);
    const Instr& instr = emitter.at(flags);
    if (instr.op != Op::or_) return flags;
    if ((possible(emitter, instr.arg[0]) & wanted) == 0) flags = instr.arg[1];
    else if ((possible(emitter, instr.arg[1]) & wanted) == 0) flags = instr.arg[0];
    else return flags;
  }
}

/// Flags of which only the carry is wanted: for most operations a truth value that is computed without the others.
Value carry_alone(Emitter& emitter, Value flags) {
  const Instr& of = emitter.at(flags);
  const bool with_carry = of.op == Op::flags_adc || of.op == Op::flags_sbb;
  const bool alone = of.op == Op::flags_sub || of.op == Op::flags_add || (with_carry && bits(of.type) >= 32);
  if (!alone) return flags;
  const Value carry = emitter.emit(Op::cond, Type::i1, flags, no_value, no_value, static_cast<uint64_t>(Cond::c));
  return emitter.emit(Op::zext, Type::i32, carry);
}

}  // namespace

Value simplify_carry(Emitter& emitter, Instr& instr) {
  const Value a = instr.arg[0], b = instr.arg[1], carry = instr.arg[2];
  const auto emit = [&](Op op) { return emitter.emit(op, instr.type, a, b); };
  const bool clear = emitter.is_constant(carry, 0);
  switch (instr.op) {
    case Op::adc: return clear ? emit(Op::add) : no_value;
    case Op::sbb:
      if (a == b) return emitter.emit(Op::sext, instr.type, carry);  // a borrow spread over all bits
      return clear ? emit(Op::sub) : no_value;
    case Op::carry_sbb:
      if (a == b) return carry;
      return clear ? emit(Op::lt_u) : no_value;
    default: return clear && emitter.is_constant(b, 0) ? carry : no_value;
  }
}

Value simplify_cond(Emitter& emitter, Instr& instr) {
  const auto cond = static_cast<Cond>(instr.imm);
  const Instr flags = emitter.at(instr.arg[0]);
  if (flags.op == Op::flags_merge) {
    const uint32_t read = flags_read(cond), fresh = read & static_cast<uint32_t>(flags.imm);
    if (fresh != 0 && fresh != read) return no_value;  // reads from both sides
    return emitter.emit(Op::cond, Type::i1, flags.arg[fresh ? 1 : 0], no_value, no_value, instr.imm);
  }
  const auto even = static_cast<Cond>(instr.imm & ~uint64_t{1});
  const Question question{emitter, even, even != cond};
  switch (flags.op) {
    case Op::flags_sub: return ask_sub(question, flags);
    case Op::flags_logic: return ask_logic(question, flags);
    case Op::flags_add: return ask_add(question, flags);
    case Op::flags_adc:
    case Op::flags_sbb: return ask_with_carry(question, flags);
    default: return ask_single(question, flags);
  }
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
  const Instr old = emitter.at(instr.arg[0]);
  if (old.op == Op::flags_merge) {
    const Instr oldest = emitter.at(old.arg[0]);
    if ((old.imm & ~instr.imm) == 0) instr.arg[0] = old.arg[0];              // all that it put in is replaced
    else if ((old.imm | instr.imm) == Flag::all) instr.arg[0] = old.arg[1];  // all that it left is replaced
    else if (oldest.op == Op::flags_merge && (oldest.imm & ~(old.imm | instr.imm)) == 0)
      instr.arg[0] = emitter.emit(Op::flags_merge, Type::i32, oldest.arg[0], old.arg[1], no_value, old.imm);
  }
  const Instr& fresh = emitter.at(instr.arg[1]);
  if (fresh.op == Op::flags_merge) {
    const uint64_t inside = fresh.imm & instr.imm;
    if (inside == 0 || inside == instr.imm) instr.arg[1] = fresh.arg[inside ? 1 : 0];
  }
  instr.arg[0] = part(emitter, instr.arg[0], Flag::all & ~static_cast<uint32_t>(instr.imm));
  instr.arg[1] = part(emitter, instr.arg[1], static_cast<uint32_t>(instr.imm));
  if (instr.imm == (Flag::all & ~Flag::carry)) instr.arg[0] = carry_alone(emitter, instr.arg[0]);
  return instr.arg[0] == instr.arg[1] ? instr.arg[0] : no_value;
}

}  // namespace strata::ir

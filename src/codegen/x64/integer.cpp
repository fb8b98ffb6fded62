// Integer arithmetic, selects and conversions. In registers, values narrower than 64 bits have zeros above them.
#include <limits>
#include <utility>

#include "base/assert.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

Compiler::Gp Compiler::sized(const Gp& reg, Type type) {
  switch (ir::bits(type)) {
    case 16: return reg.r16();
    case 32: return reg.r32();
    case 64: return reg.r64();
    default: return reg.r8();
  }
}

int32_t Compiler::immediate(Value value) const {
  const Instr& constant = at(value);
  switch (constant.type) {
    case Type::i1:
    case Type::i8: return static_cast<int8_t>(constant.imm);
    case Type::i16: return static_cast<int16_t>(constant.imm);
    default: return static_cast<int32_t>(constant.imm);
  }
}

void Compiler::clear_above(const Gp& reg, Type type) {
  if (type == Type::i1) a_.and_(reg.r32(), 1);
  if (type == Type::i8) a_.movzx(reg.r32(), reg.r8());
  if (type == Type::i16) a_.movzx(reg.r32(), reg.r16());
}

/// In 32 bits for all that is narrower: what is above is cleared later, or nothing.
void Compiler::apply(Inst::Id id, const Gp& to, Value right, Type type) {
  const bool wide = type == Type::i64;
  const Gp left = half_or_all(to, wide);
  if (is_immediate(right)) {
    const int64_t constant = type == Type::i32 || wide ? immediate(right) : static_cast<int64_t>(at(right).imm);
    a_.emit(id, left, asmjit::imm(constant));
  } else if (note(right).fused) {
    a_.emit(id, left, state(slot_of(at(right)).offset, 8));
  } else {
    const Gp other = use_low(right);
    a_.emit(id, left, half_or_all(other, wide));
  }
}

/// Whether a sum is computed by lea, which saves a move where the left operand lives on, and leaves the host's flags
/// alone.
bool Compiler::is_address(const Instr& instr) const {
  const Value a = instr.arg[0], b = instr.arg[1];
  const bool add = instr.op == Op::add;
  if ((!add && instr.op != Op::sub) || ir::bits(instr.type) < 32) return false;
  if (note(here()).sets_flags || note(here()).also != never || is_constant(a)) return false;
  if (dies(a) && !carry_waits()) return false;
  return add ? !note(b).fused : is_immediate(b) && immediate(b) != std::numeric_limits<int32_t>::min();
}

void Compiler::add_as_address(Op op, Value a, Value b) {
  const Gp left = use_low(a);
  const Gp right = is_immediate(b) ? Gp() : use_low(b);
  const Gp to = half_or_all(define(here(), true), at(here()).type == Type::i64);
  if (right.isValid()) a_.lea(to, x86::ptr(left, right));
  else a_.lea(to, x86::ptr(left, op == Op::add ? immediate(b) : -immediate(b)));
}

void Compiler::arithmetic(const Instr& instr, Inst::Id id) {
  Value a = instr.arg[0], b = instr.arg[1];
  const int8_t target = target_of(here());
  const bool swaps = ir::has(instr.op, ir::Trait::commutative) && !is_constant(b);
  if (swaps && target >= 0 && note(b).reg == target && note(a).reg != target) std::swap(a, b);
  if (instr.op == Op::and_ && instr.type == Type::i64 && is_constant(b) && at(b).imm == 0xffff'ffff) {
    if (note(a).fused) {
      const x86::Mem sum = operands_of_sum(a);
      a_.lea(define(here(), true).r32(), sum);
      return;
    }
    const Gp from = use(a);
    return copy_clean(define(here(), true), from, Type::i32);
  }
  if (note(here()).counts != never) return count_by_one(instr);
  if (is_address(instr)) return add_as_address(instr.op, a, b);
  if (!is_immediate(b) && !note(b).fused) use_low(b);
  const bool logic = instr.op == Op::and_ || instr.op == Op::or_ || instr.op == Op::xor_;
  const bool clean = logic && !note(a).unclean && !note(b).unclean;
  const Gp to = define_from(here(), a, Above::anything);
  if (a == b) {
    const bool wide = instr.type == Type::i64;
    a_.emit(id, half_or_all(to, wide), half_or_all(to, wide));
  } else {
    apply(id, to, b, instr.type);
  }
  if (!clean) clear_above(to, instr.type);
  if (note(here()).also != never) carry_ = note(here()).also;
  if (ir::bits(instr.type) >= 32) host_flags_ = &instr;
}

/// Both halves of a product: the high one is the value that is computed with this one.
void Compiler::multiply_both(const Instr& instr) {
  const bool wide = instr.type == Type::i64;
  a_.mov(half_or_all(host_.bmi2 ? x86::rdx : x86::rax, wide), half_or_all(use_low(instr.arg[0]), wide));
  general_.pinned = 0;
  const Gp right = half_or_all(use_low(instr.arg[1]), wide);
  if (!host_.bmi2) a_.mul(right);
  const Gp low = half_or_all(define(here(), true), wide);
  const Gp high = half_or_all(define(note(here()).also, true), wide);
  if (host_.bmi2) {
    a_.mulx(high, low, right);
  } else {
    a_.mov(low, half_or_all(x86::rax, wide));
    a_.mov(high, half_or_all(x86::rdx, wide));
  }
}

void Compiler::multiply(const Instr& instr) {
  if (note(here()).also != never) return multiply_both(instr);
  const Value a = instr.arg[0], b = instr.arg[1];
  const bool wide = instr.type == Type::i64;
  if (is_immediate(b)) {
    const Gp left = use_low(a), to = define(here(), true);
    if (wide) a_.imul(to.r64(), left.r64(), immediate(b));
    else a_.imul(to.r32(), left.r32(), immediate(b));
    return clear_above(to, instr.type);
  }
  const Gp right = use_low(b);
  const Gp to = define_from(here(), a, Above::anything);
  const Gp other = a == b ? to : right;
  if (wide) a_.imul(to.r64(), other.r64());
  else a_.imul(to.r32(), other.r32());
  clear_above(to, instr.type);
}

bool Compiler::multiply_high(const Instr& instr) {
  const bool is_signed = instr.op == Op::mulhi_s;
  if (ir::bits(instr.type) < 32) return false;
  const Gp left = use_low(instr.arg[0]), right = use_low(instr.arg[1]);
  const Gp to = define(here(), true);
  const bool wide = instr.type == Type::i64;
  if (!is_signed && host_.bmi2) {
    a_.mov(x86::rdx, left);
    a_.mulx(half_or_all(to, wide), half_or_all(x86::rax, wide), half_or_all(right, wide));
    return true;
  }
  a_.mov(x86::rax, left);
  if (is_signed) a_.imul(half_or_all(right, wide));
  else a_.mul(half_or_all(right, wide));
  if (wide) a_.mov(to.r64(), x86::rdx);
  else a_.mov(to.r32(), x86::edx);
  return true;
}

/// By zero: all ones, and the remainder is the dividend. The minimum by -1: itself, and 0. The host would trap.
bool Compiler::divide(const Instr& instr) {
  if (ir::bits(instr.type) < 32) return false;
  const bool is_signed = instr.op == Op::div_s || instr.op == Op::rem_s;
  const bool remainder = instr.op == Op::rem_u || instr.op == Op::rem_s;
  const Gp a = sized(use_low(instr.arg[0]), instr.type), b = sized(use_low(instr.arg[1]), instr.type);
  const Gp to = sized(define(here(), true), instr.type);
  const Gp quotient = sized(x86::rax, instr.type), rest = sized(x86::rdx, instr.type);
  Label zero = a_.newLabel(), minus_one = a_.newLabel(), done = a_.newLabel();
  a_.mov(quotient, a);
  a_.test(b, b);
  a_.jz(zero);
  if (is_signed) {
    a_.cmp(b, -1);
    a_.je(minus_one);
    if (instr.type == Type::i64) a_.cqo();
    else a_.cdq();
    a_.idiv(b);
  } else {
    a_.xor_(x86::edx, x86::edx);
    a_.div(b);
  }
  a_.jmp(done);
  if (is_signed) {
    a_.bind(minus_one);
    a_.neg(quotient);
    a_.xor_(x86::edx, x86::edx);
    a_.jmp(done);
  }
  a_.bind(zero);
  a_.mov(rest, quotient);
  a_.mov(quotient, -1);
  a_.bind(done);
  a_.mov(to, remainder ? rest : quotient);
  return true;
}

bool Compiler::shift(const Instr& instr, Inst::Id id) {
  const Value a = instr.arg[0], count = instr.arg[1];
  const unsigned width = ir::bits(instr.type);
  const bool rotate = instr.op == Op::rotl || instr.op == Op::rotr;
  // Of narrow values only what works on the full register is done so; the rest in the register's own part.
  const Above above = width >= 32 ? Above::anything : Above::zeros;
  if (is_constant(count)) {
    const bool cleared = instr.op == Op::shl || instr.op == Op::sar;  // later
    const Gp to = define_from(here(), a, cleared ? Above::anything : above);
    const Gp part = instr.op == Op::shl || instr.op == Op::shr ? (half_or_all(to, width == 64)) : sized(to, instr.type);
    a_.emit(id, part, asmjit::imm(at(count).imm & (width - 1)));
    if (!rotate) clear_above(to, instr.type);
    return true;
  }
  const Gp by = use_low(count);
  const bool bmi = width >= 32 && !rotate && host_.bmi2;
  if (bmi) {
    const Gp from = sized(use_low(a), instr.type), to = sized(define(here(), true), instr.type);
    const Gp sized_by = sized(by, instr.type);
    if (instr.op == Op::shl) a_.shlx(to, from, sized_by);
    else if (instr.op == Op::shr) a_.shrx(to, from, sized_by);
    else a_.sarx(to, from, sized_by);
    return true;
  }
  const Gp to = define_from(here(), a, above);
  a_.mov(x86::ecx, by.r32());
  if (width < 32) a_.and_(x86::ecx, width - 1);
  a_.emit(id, sized(to, instr.type), x86::cl);
  return true;
}

bool Compiler::count_bits(const Instr& instr, Inst::Id id, bool available) {
  if (!available || ir::bits(instr.type) < 32) return false;
  const Gp from = sized(use_low(instr.arg[0]), instr.type), to = sized(define(here(), true), instr.type);
  a_.emit(id, to, from);
  return true;
}

bool Compiler::byte_swap(const Instr& instr) {
  const Gp to = define_from(here(), instr.arg[0]);
  if (instr.type == Type::i16) a_.rol(to.r16(), 8);
  else a_.bswap(sized(to, instr.type));
  return true;
}

/// gather_bits, scatter_bits.
bool Compiler::move_bits(const Instr& instr) {
  if (!host_.bmi2) return false;
  const Gp from = use_low(instr.arg[0]), mask = use_low(instr.arg[1]), to = define(here(), true);
  const auto part = [&](const Gp& reg) { return sized(reg, instr.type); };
  a_.emit(instr.op == Op::gather_bits ? Inst::kIdPext : Inst::kIdPdep, part(to), part(from), part(mask));
  return true;
}

bool Compiler::carry_on_crc(const Instr& instr) {
  if (!host_.crc32) return false;
  const Gp data = use_low(instr.arg[1]), to = define_from(here(), instr.arg[0], Above::anything);
  a_.emit(Inst::kIdCrc32, half_or_all(to, instr.type == Type::i64), sized(data, instr.type));
  return true;
}

/// The condition first, whose registers are free then; what follows leaves the host's flags alone.
bool Compiler::select(const Instr& instr) {
  const CondCode holds = condition(instr.arg[0]);
  general_.pinned = 0;
  if (is_vector_type(instr.type)) {
    const Xmm yes = use_vector(instr.arg[1]), no = use_vector(instr.arg[2]), to = define_vector(here());
    a_.movaps(to, no);
    const Label done = a_.newLabel();
    a_.j(x86::negateCond(holds), done);
    a_.movaps(to, yes);
    a_.bind(done);
    return true;
  }
  const Gp yes = use_low(instr.arg[1]);
  // The host clears what is above 32 bits, whichever it takes.
  const bool unclean = ir::bits(instr.type) < 32 && (note(instr.arg[1]).unclean || note(instr.arg[2]).unclean);
  const Gp to = define_from(here(), instr.arg[2], Above::anything);
  const bool wide = instr.type == Type::i64;
  a_.emit(Inst::cmovccFromCond(holds), half_or_all(to, wide), half_or_all(yes, wide));
  note(here()).unclean = unclean;
  return true;
}

void Compiler::convert(const Instr& instr) {
  const Value from = instr.arg[0];
  const Type type = instr.type, narrow = type_of(from);
  if (instr.op == Op::zext) return zero_extend(from, narrow);
  if (instr.op == Op::sext) {
    if (narrow == Type::i1) {
      const Gp to = define_from(here(), from);
      a_.neg(half_or_all(to, type == Type::i64));
      return clear_above(to, type);
    }
    const Gp source = use_low(from), to = define(here(), true);
    const Gp wide = half_or_all(to, type == Type::i64);
    if (narrow == Type::i8) a_.movsx(wide, source.r8());
    else if (narrow == Type::i16) a_.movsx(wide, source.r16());
    else a_.movsxd(wide.r64(), source.r32());
    return clear_above(to, type);
  }
  if (type == Type::i1) {
    const Gp to = define_from(here(), from, Above::anything);
    a_.and_(to.r32(), 1);
    return;
  }
  share(here(), from);
  note(here()).unclean = true;
}

void Compiler::zero_extend(Value from, Type narrow) {
  const Gp source = use_low(from);
  const int8_t target = target_of(here());
  if (!note(from).unclean && (target < 0 || target == note(from).reg)) return share(here(), from);
  copy_clean(define(here(), true), source, note(from).unclean ? narrow : Type::i64);
}

bool Compiler::insert_low(const Instr& instr) {
  const Type low = type_of(instr.arg[1]);
  if (ir::bits(low) > 16 || low == Type::i1) return false;
  const Gp part = use_low(instr.arg[1]);
  const Gp to = define_from(here(), instr.arg[0]);
  if (low == Type::i8) a_.mov(to.r8(), part.r8());
  else a_.mov(to.r16(), part.r16());
  return true;
}

void Compiler::bit_cast(const Instr& instr) {
  const bool to_vector = is_vector_type(instr.type), wide = ir::bits(instr.type) == 64;
  const bool from_vector = is_vector(instr.arg[0]);
  if (from_vector == to_vector) {
    if (to_vector) define_vector_from(here(), instr.arg[0]);
    else define_from(here(), instr.arg[0]);
  } else if (to_vector) {
    const Gp from = use_low(instr.arg[0]);
    const Xmm to = define_vector(here());
    if (wide) a_.movq(to, from);
    else a_.movd(to, from.r32());
  } else {
    const Xmm from = use_vector(instr.arg[0]);
    const Gp to = define(here());
    if (wide) a_.movq(to, from);
    else a_.movd(to.r32(), from);
  }
}

bool Compiler::compile_integer(const Instr& instr) {
  switch (instr.op) {
    case Op::add: arithmetic(instr, Inst::kIdAdd); return true;
    case Op::sub: arithmetic(instr, Inst::kIdSub); return true;
    case Op::and_: arithmetic(instr, Inst::kIdAnd); return true;
    case Op::or_: arithmetic(instr, Inst::kIdOr); return true;
    case Op::xor_: arithmetic(instr, Inst::kIdXor); return true;
    case Op::mul: multiply(instr); return true;
    case Op::mulhi_u:
    case Op::mulhi_s: return multiply_high(instr);
    case Op::div_u:
    case Op::div_s:
    case Op::rem_u:
    case Op::rem_s: return divide(instr);
    case Op::not_:
    case Op::neg: {
      const Gp to = define_from(here(), instr.arg[0], Above::anything);
      a_.emit(instr.op == Op::not_ ? Inst::kIdNot : Inst::kIdNeg, half_or_all(to, instr.type == Type::i64));
      clear_above(to, instr.type);
      return true;
    }
    case Op::shl: return shift(instr, Inst::kIdShl);
    case Op::shr: return shift(instr, Inst::kIdShr);
    case Op::sar: return shift(instr, Inst::kIdSar);
    case Op::rotl: return shift(instr, Inst::kIdRol);
    case Op::rotr: return shift(instr, Inst::kIdRor);
    case Op::clz: return count_bits(instr, Inst::kIdLzcnt, host_.lzcnt);
    case Op::ctz: return count_bits(instr, Inst::kIdTzcnt, host_.bmi1);
    case Op::popcnt: return count_bits(instr, Inst::kIdPopcnt, host_.popcnt);
    case Op::bswap: return byte_swap(instr);
    case Op::gather_bits:
    case Op::scatter_bits: return move_bits(instr);
    case Op::crc32c: return carry_on_crc(instr);
    case Op::eq:
    case Op::ne:
    case Op::lt_u:
    case Op::le_u:
    case Op::lt_s:
    case Op::le_s:
    case Op::cond: truth_value(instr); return true;
    case Op::select: return select(instr);
    case Op::zext:
    case Op::sext:
    case Op::trunc: convert(instr); return true;
    case Op::insert_low: return insert_low(instr);
    case Op::bitcast: bit_cast(instr); return true;
    case Op::flags_add:
    case Op::flags_adc:
    case Op::flags_sub:
    case Op::flags_sbb:
    case Op::flags_logic: flags_of(instr); return true;
    case Op::flags_merge: flags_merge(instr); return true;
    default: return false;
  }
}

}  // namespace strata::codegen::x64

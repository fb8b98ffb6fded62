// Comparisons, conditions, and flags as values: from the host's own flags.
#include "codegen/x64/compiler.h"

#include <bit>
#include <optional>
#include <utility>

#include "base/assert.h"

namespace strata::codegen::x64 {

Compiler::CondCode Compiler::relation(const Instr& compare, bool swapped) const {
  switch (compare.op) {
    case Op::eq: return CondCode::kE;
    case Op::ne: return CondCode::kNE;
    case Op::lt_u: return swapped ? CondCode::kA : CondCode::kB;
    case Op::le_u: return swapped ? CondCode::kAE : CondCode::kBE;
    case Op::lt_s: return swapped ? CondCode::kG : CondCode::kL;
    default: return swapped ? CondCode::kGE : CondCode::kLE;
  }
}

/// The host's flags of a value and itself, or where it is a fused `and`, of its operands.
void Compiler::test(Value value) {
  const Instr& instr = at(value);
  const Type type = instr.type == Type::i1 ? Type::i8 : type_of(value);
  if (instr.op != Op::and_ || !note(value).fused) {
    const Gp bits = sized(use_low(value), type);
    a_.test(bits, bits);
    return;
  }
  const Gp left = sized(use_low(instr.arg[0]), type);
  if (is_immediate(instr.arg[1])) a_.test(left, immediate(instr.arg[1]));
  else a_.test(left, sized(use_low(instr.arg[1]), type));
}

/// By the host's flags as they are.
std::optional<Compiler::CondCode> Compiler::known_relation(const Instr& compare) const {
  if (host_flags_ == nullptr || host_flags_->type != compare.type) return std::nullopt;
  const Value a = compare.arg[0], b = compare.arg[1];
  const Op op = host_flags_->op;
  const bool logic = op == Op::and_ || op == Op::or_ || op == Op::xor_;
  const bool equality = compare.op == Op::eq || compare.op == Op::ne;
  const bool of_result = logic || op == Op::add || op == Op::sub;
  if (of_result && equality && is_zero(b) && host_flags_ == &at(a)) return relation(compare, false);
  if (logic || op == Op::add) return std::nullopt;
  const auto are_those_of = [&](Value left, Value right) {
    if (host_flags_->arg[0] != left) return false;
    return op == Op::flags_logic ? is_zero(right) : host_flags_->arg[1] == right;
  };
  if (are_those_of(a, b)) return relation(compare, false);
  if (are_those_of(b, a)) return relation(compare, true);
  return std::nullopt;
}

Compiler::CondCode Compiler::compare(const Instr& instr) {
  Value a = instr.arg[0], b = instr.arg[1];
  if (const auto known = known_relation(instr)) return *known;
  host_flags_ = nullptr;
  if (at(a).op == Op::and_ && note(a).fused) {
    test(a);
    return relation(instr, false);
  }
  const bool swapped = is_immediate(a) && !is_constant(b);
  if (swapped) std::swap(a, b);
  const bool is_signed = instr.op == Op::lt_s || instr.op == Op::le_s;
  const bool equality = instr.op == Op::eq || instr.op == Op::ne;
  // What has zeros above it may be compared as a whole, unless it has a sign.
  const bool unclean = note(a).unclean || note(b).unclean;
  const bool own_width = (is_signed || unclean) && ir::bits(instr.type) < 32;
  const Gp left = use_low(a);
  const Gp shown = own_width ? sized(left, instr.type) : half_or_all(left, instr.type == Type::i64);
  if (!swapped && ir::bits(instr.type) >= 32) host_flags_ = &instr;
  if (is_immediate(b)) {
    const int64_t constant = ir::bits(instr.type) >= 32 || own_width ? immediate(b) : static_cast<int64_t>(at(b).imm);
    if (constant == 0 && (equality || is_signed)) a_.test(shown, shown);
    else a_.cmp(shown, constant);
  } else {
    const Gp right = use_low(b);
    a_.cmp(shown, own_width ? sized(right, instr.type) : half_or_all(right, instr.type == Type::i64));
  }
  return relation(instr, swapped);
}

/// Of a flags value: a test of its bits.
Compiler::CondCode Compiler::test_flags(const Instr& cond) {
  host_flags_ = nullptr;
  const auto wanted = static_cast<ir::Cond>(cond.imm);
  if (at(cond.arg[0]).op == Op::get && note(cond.arg[0]).fused) return test_raw_flags(wanted);
  const Gp flags = use_low(cond.arg[0]).r32();
  const uint32_t read = ir::flags_read(wanted);
  const bool opposite = (cond.imm & 1) != 0;
  if ((read & ir::Flag::sign) == 0 || (read & ir::Flag::overflow) == 0) {
    a_.test(flags, read);
  } else {
    a_.mov(x86::eax, flags);  // overflow to the sign's place
    a_.shr(x86::eax, 4);
    a_.xor_(x86::eax, flags);
    if ((read & ir::Flag::zero) != 0) {
      a_.and_(x86::eax, ir::Flag::sign);
      a_.mov(x86::ecx, flags);
      a_.and_(x86::ecx, ir::Flag::zero);
      a_.or_(x86::eax, x86::ecx);
    } else {
      a_.test(x86::eax, ir::Flag::sign);
    }
  }
  return opposite ? CondCode::kZ : CondCode::kNZ;
}

Compiler::CondCode Compiler::condition(Value truth) {
  const Instr& instr = at(truth);
  if (truth == carry_) return CondCode::kB;
  keep_carry(position_);
  if (note(truth).fused) return instr.op == Op::cond ? test_flags(instr) : compare(instr);
  const Gp value = use(truth);
  a_.test(value.r8(), value.r8());
  host_flags_ = nullptr;
  return CondCode::kNZ;
}

void Compiler::truth_value(const Instr& instr) {
  const CondCode holds = instr.op == Op::cond ? test_flags(instr) : compare(instr);
  const Gp to = define(here(), true);
  a_.emit(Inst::setccFromCond(holds), to.r8());
  a_.movzx(to.r32(), to.r8());
}

/// Whether the host's flags of a result are those of its comparison with 0. Behind `test` the half carry may be anything.
bool Compiler::compares_with_zero(Value flags) const {
  const Instr& instr = at(flags);
  const Value of = instr.arg[0];
  return instr.op == Op::flags_logic && !note(flags).after && !(at(of).op == Op::and_ && note(of).fused);
}

/// Does what the flags are those of, for the host's flags.
void Compiler::set_host_flags(Value flags) {
  const Instr& instr = at(flags);
  if (note(flags).after) return;
  const Type type = instr.type;
  if (compares_with_zero(flags)) return static_cast<void>(a_.cmp(sized(use_low(instr.arg[0]), type), 0));
  if (instr.op == Op::flags_logic) return test(instr.arg[0]);
  const Gp a = use_low(instr.arg[0]);
  const bool carry = instr.op == Op::flags_adc || instr.op == Op::flags_sbb;
  const bool add = instr.op == Op::flags_add || instr.op == Op::flags_adc;
  const Value right = instr.arg[1];
  const Gp b = is_immediate(right) ? Gp() : use_low(right);
  const Gp left = sized(carry || add ? x86::rcx : a, type);
  if (carry || add) a_.mov(x86::rcx, a);
  if (carry) a_.bt(use(instr.arg[2]).r32(), 0);
  const Inst::Id id = carry ? (add ? Inst::kIdAdc : Inst::kIdSbb) : add ? Inst::kIdAdd : Inst::kIdCmp;
  if (b.isValid()) a_.emit(id, left, sized(b, type));
  else a_.emit(id, left, asmjit::imm(immediate(right)));
}

/// lahf gives the host's flags in the IR's layout, but for overflow.
void Compiler::flags_of(const Instr& instr) {
  if (note(here()).direct) return store_flags(instr);
  set_host_flags(here());
  general_.pinned = 0;
  a_.lahf();
  if (instr.op == Op::flags_logic) {
    a_.movzx(x86::eax, x86::ah);  // no register beyond the first four goes with ah
    a_.and_(x86::eax, ir::Flag::parity | ir::Flag::zero | ir::Flag::sign);
    a_.mov(define(here()).r32(), x86::eax);
    return;
  }
  a_.seto(x86::al);
  a_.movzx(x86::ecx, x86::ah);
  a_.movzx(x86::eax, x86::al);
  // Beside the flags lahf gives bit 1 only, which is always set.
  if (host_.bmi2) {  // leaves the host's flags alone
    a_.rorx(x86::eax, x86::eax, 32 - overflow_bit);
    if (instr.op == Op::flags_sub) host_flags_ = &instr;
  } else {
    a_.shl(x86::eax, overflow_bit);
  }
  a_.lea(define(here()).r32(), x86::ptr(x86::rax, x86::rcx, 0, -2));
}

void Compiler::flags_merge(const Instr& instr) {
  if (note(here()).direct) return store_flags(instr);
  const auto mask = static_cast<uint32_t>(instr.imm);
  const Gp fresh = use(instr.arg[1]);
  a_.mov(x86::eax, fresh.r32());
  a_.and_(x86::eax, mask);
  const Gp to = define_from(here(), instr.arg[0]);
  a_.and_(to.r32(), ~mask);
  a_.or_(to.r32(), x86::eax);
}

/// Brings the carry that a counter's flags keep into the host's, as the host's own inc and dec keep it too.
void Compiler::use_counters_carry(const Instr& merge) {
  if (const Value carry = carry_in(unit_, merge.arg[0]); carry != ir::no_value) return use_carry(carry);
  keep_carry(position_);
  a_.bt(raw_flags(), std::countr_zero(RawFlags::of(ir::Flag::carry)));
}

void Compiler::step_by_one(const Gp& counted, bool up) {
  if (up) a_.inc(counted);
  else a_.dec(counted);
  a_.lahf();
  a_.seto(x86::al);
  a_.mov(raw_flags(), x86::ax);
}

void Compiler::store_counters_flags(const Instr& merge) {
  use_counters_carry(merge);
  const Instr& fresh = at(merge.arg[1]);
  a_.mov(x86::rcx, use_low(fresh.arg[0]));
  step_by_one(sized(x86::rcx, fresh.type), fresh.op == Op::flags_add);
}

/// A sum or difference with 1, and its flags.
void Compiler::count_by_one(const Instr& instr) {
  use_counters_carry(at(note(here()).counts));
  step_by_one(sized(define_from(here(), instr.arg[0], Above::anything), instr.type), instr.op == Op::add);
  host_flags_ = &instr;
}

/// Flags of an operation, or those merged into what the slot holds, straight into the slot.
void Compiler::store_flags(const Instr& instr) {
  const bool merge = instr.op == Op::flags_merge;
  if (merge && counts_by_one(unit_, instr)) return store_counters_flags(instr);
  const Value of = merge ? instr.arg[1] : here();
  const Instr& fresh = at(of);
  const bool logic = fresh.op == Op::flags_logic && !compares_with_zero(of);  // some are clear, whatever the host says
  const uint32_t taken = merge ? static_cast<uint32_t>(instr.imm) : ir::Flag::all;
  constexpr uint32_t of_logic = ir::Flag::parity | ir::Flag::zero | ir::Flag::sign;  // the others are clear
  set_host_flags(of);
  a_.lahf();
  if (!logic) a_.seto(x86::al);
  if (logic || merge) a_.and_(x86::eax, RawFlags::of(logic ? taken & of_logic : taken));
  else if (instr.op == Op::flags_sub || instr.op == Op::flags_logic) host_flags_ = &instr;
  if (merge) {
    a_.movzx(x86::ecx, raw_flags());
    a_.and_(x86::ecx, RawFlags::of(~taken));
    a_.or_(x86::eax, x86::ecx);
  }
  a_.mov(raw_flags(), x86::ax);
}

void Compiler::get_flags() {
  a_.movzx(x86::eax, raw_flags());
  a_.movzx(x86::ecx, x86::ah);
  a_.and_(x86::eax, RawFlags::overflow);
  a_.and_(x86::ecx, ir::Flag::all & ~ir::Flag::overflow);
  a_.shl(x86::eax, overflow_bit);
  a_.lea(define(here()).r32(), x86::ptr(x86::rax, x86::rcx));
}

void Compiler::set_flags(Value value) {
  if (is_constant(value)) {
    a_.mov(raw_flags(4), RawFlags::of(static_cast<uint32_t>(at(value).imm)));
    return;
  }
  const Gp flags = use_low(value);
  a_.movzx(x86::eax, flags.r8());
  a_.mov(x86::ecx, flags.r32());
  a_.shl(x86::eax, 8);
  a_.shr(x86::ecx, overflow_bit);
  a_.or_(x86::eax, x86::ecx);
  a_.mov(raw_flags(4), x86::eax);
  host_flags_ = nullptr;
}

/// In place: a test of the bits, or where sign and overflow are compared, the host's flags as they were.
Compiler::CondCode Compiler::test_raw_flags(ir::Cond wanted) {
  const uint32_t read = ir::flags_read(wanted), raw = RawFlags::of(read);
  const auto even = static_cast<ir::Cond>(static_cast<uint8_t>(wanted) & ~1u);
  const bool opposite = even != wanted;
  if ((read & ir::Flag::overflow) == 0 || read == ir::Flag::overflow) {
    const bool high = raw > 0xff;
    x86::Mem byte = raw_flags(1);
    if (high) byte.addOffset(1);
    a_.test(byte, high ? raw >> 8 : raw);
    return opposite ? CondCode::kZ : CondCode::kNZ;
  }
  a_.movzx(x86::eax, raw_flags());
  a_.add(x86::al, 0x7f);  // overflows where the flag did
  a_.sahf();              // the others
  if (even == ir::Cond::l) return opposite ? CondCode::kGE : CondCode::kL;
  return opposite ? CondCode::kG : CondCode::kLE;
}

}  // namespace strata::codegen::x64

// Sums with a carry in, and the carry out of them: a value that stands in the host's own flag for as long as code leaves
// that alone.
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

/// Whether its code, but for a comparison in front of it, leaves the host's flags alone.
bool Compiler::moves_only(const Instr& instr) const {
  switch (instr.op) {
    case Op::select:
    case Op::trunc: return instr.type != Type::i1;
    case Op::zext: return type_of(instr.arg[0]) != Type::i1;
    default: return false;
  }
}

/// Whether its code leaves the host's flags alone, or sees to the carry itself.
bool Compiler::leaves_flags(const Instr& instr) const {
  switch (instr.op) {
    case Op::adc:
    case Op::sbb:
    case Op::carry_adc:
    case Op::carry_sbb: return true;
    case Op::mul: return host_.bmi2 && note(here()).also != never;
    case Op::mulhi_u: return host_.bmi2;
    case Op::add:
    case Op::sub: return is_address(instr) || note(here()).counts != never;
    case Op::flags_merge: return note(here()).direct && counts_by_one(unit_, instr);
    case Op::load:
    case Op::store: return shares_look() && carry_ != ir::no_value && (note(carry_).roles & Role::sunk) == 0;
    default: return moves_only(instr);
  }
}

/// Before the host's flags are lost, for those that want it from position `from` on: to a register, or a cell where all
/// are in use.
void Compiler::keep_carry(uint32_t from) {
  const Value carry = carry_;
  carry_ = ir::no_value;
  if (carry == ir::no_value || note(carry).last_use < from || note(carry).reg >= 0 || note(carry).cell != 0) return;
  const uint32_t pinned = general_.pinned;
  const int8_t reg = find_free(general_);
  const Gp to = reg >= 0 ? x86::gpq(static_cast<uint32_t>(reg)) : x86::rax;
  a_.setc(to.r8());
  a_.movzx(to.r32(), to.r8());
  if (reg >= 0) {
    bind(carry, reg);
    general_.pinned = pinned;
  } else {
    assign_cell(carry);
    a_.mov(cell(note(carry).cell), to);
  }
}

/// Brings a truth value into the host's carry flag, for an instruction that is to have flags of its own.
void Compiler::use_carry(Value carry) {
  if (carry == carry_) {
    host_flags_ = nullptr;
    return keep_carry(position_ + 1);
  }
  keep_carry(position_);
  if (is_constant(carry)) {
    if (at(carry).imm != 0) a_.stc();
    else a_.clc();
  } else if (note(carry).fused) {
    const CondCode holds = condition(carry);
    if (holds != CondCode::kB) {
      a_.emit(Inst::setccFromCond(holds), x86::al);
      a_.add(x86::al, -1);
    }
  } else if (note(carry).reg >= 0) {
    a_.bt(x86::gpd(static_cast<uint32_t>(note(carry).reg)), 0);
  } else {
    a_.bt(cell(cell_of(carry), 4), 0);
  }
  general_.pinned = 0;
  host_flags_ = nullptr;
}

void Compiler::add_with_carry(const Instr& instr, Inst::Id id) {
  const Value a = instr.arg[0], b = instr.arg[1];
  use_carry(instr.arg[2]);
  if (!is_immediate(b) && !note(b).fused) use_low(b);
  const Gp to = define_from(here(), a, Above::anything);
  const bool wide = instr.type == Type::i64;
  if (a == b) a_.emit(id, half_or_all(to, wide), half_or_all(to, wide));
  else apply(id, to, b, instr.type);
  carry_ = note(here()).also == never ? ir::no_value : note(here()).also;
}

/// The carry alone.
void Compiler::carry_out(const Instr& instr) {
  const bool wide = instr.type == Type::i64, add = instr.op == Op::carry_adc;
  use_carry(instr.arg[2]);
  a_.mov(half_or_all(x86::rcx, wide), half_or_all(use_low(instr.arg[0]), wide));
  apply(add ? Inst::kIdAdc : Inst::kIdSbb, x86::rcx, instr.arg[1], instr.type);
  carry_ = here();
}

bool Compiler::compile_carry(const Instr& instr) {
  switch (instr.op) {
    case Op::adc: add_with_carry(instr, Inst::kIdAdc); return true;
    case Op::sbb: add_with_carry(instr, Inst::kIdSbb); return true;
    case Op::carry_adc:
    case Op::carry_sbb: carry_out(instr); return true;
    default: return false;
  }
}

}  // namespace strata::codegen::x64

// Where values stand: registers, cells of the frame, or nowhere because they are constants.
#include "base/assert.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

using ir::no_value;

void Compiler::forget_values() {
  general_.fill(no_value);
  vectors_.fill(no_value);
  cells_ = Frame::values;
}

void Compiler::bind(Value value, int8_t reg) {
  note(value).reg = reg;
  auto& owners = is_vector(value) ? vectors_ : general_;
  owners[static_cast<unsigned>(reg)] = value;
  (is_vector(value) ? pinned_vectors_ : pinned_general_) |= 1u << reg;
}

void Compiler::assign_cell(Value value) {
  if (note(value).cell != 0) return;
  const bool wide = ir::bits(type_of(value)) > 64;
  if (wide) cells_ += cells_ & 1;
  note(value).cell = cells_;
  cells_ += wide ? 2 : 1;
  STRATA_ASSERT(cells_ <= Frame::temporaries, "too many values at once in one unit");
}

/// The value's cell, filled. Not for constants.
uint32_t Compiler::cell_of(Value value) {
  Note& found = note(value);
  if (found.cell != 0) return found.cell;
  STRATA_ASSERT(found.reg >= 0, "a value that was not computed is wanted");
  assign_cell(value);
  const auto reg = static_cast<uint32_t>(found.reg);
  if (!is_vector(value)) a_.mov(cell(found.cell), x86::gpq(reg));
  else if (ir::bits(type_of(value)) > 64) a_.movups(cell(found.cell, 16), x86::xmm(reg));
  else if (type_of(value) == Type::f32) a_.movss(cell(found.cell, 4), x86::xmm(reg));
  else a_.movsd(cell(found.cell), x86::xmm(reg));
  return found.cell;
}

void Compiler::evict(Value value) {
  Note& found = note(value);
  const bool constant = at(value).op == Op::constant || at(value).op == Op::vconstant;
  if (!constant && found.last_use >= position_) cell_of(value);
  (is_vector(value) ? vectors_ : general_)[static_cast<unsigned>(found.reg)] = no_value;
  found.reg = -1;
}

int8_t Compiler::allocate_general() {
  int8_t victim = -1;
  uint32_t farthest = 0;
  for (const uint8_t reg : general_registers) {
    if ((pinned_general_ >> reg & 1) != 0) continue;
    const Value owner = general_[reg];
    if (owner == no_value) return static_cast<int8_t>(reg);
    const uint32_t last = note(owner).last_use;
    if (last < position_) {
      note(owner).reg = -1;
      general_[reg] = no_value;
      return static_cast<int8_t>(reg);
    }
    if (victim < 0 || last > farthest) {
      victim = static_cast<int8_t>(reg);
      farthest = last;
    }
  }
  STRATA_ASSERT(victim >= 0, "all registers are in use by one instruction");
  evict(general_[static_cast<unsigned>(victim)]);
  return victim;
}

int8_t Compiler::allocate_vector() {
  int8_t victim = -1;
  uint32_t farthest = 0;
  for (unsigned reg = 0; reg < vector_registers; ++reg) {
    if ((pinned_vectors_ >> reg & 1) != 0) continue;
    const Value owner = vectors_[reg];
    if (owner == no_value) return static_cast<int8_t>(reg);
    const uint32_t last = note(owner).last_use;
    if (last < position_) {
      note(owner).reg = -1;
      vectors_[reg] = no_value;
      return static_cast<int8_t>(reg);
    }
    if (victim < 0 || last > farthest) {
      victim = static_cast<int8_t>(reg);
      farthest = last;
    }
  }
  STRATA_ASSERT(victim >= 0, "all registers are in use by one instruction");
  evict(vectors_[static_cast<unsigned>(victim)]);
  return victim;
}

void Compiler::load_constant(const Gp& to, uint64_t constant) {
  if (constant >> 32 == 0) a_.mov(to.r32(), static_cast<uint32_t>(constant));  // never xor: the flags stay
  else if (fits(constant)) a_.mov(to.r64(), static_cast<int64_t>(constant));
  else a_.mov(to.r64(), constant);
}

Compiler::Gp Compiler::use(Value value) {
  Note& found = note(value);
  if (found.reg < 0) {
    const int8_t reg = allocate_general();
    const Gp to = x86::gpq(static_cast<uint32_t>(reg));
    if (is_constant(value)) {
      load_constant(to, at(value).imm);
    } else {
      STRATA_ASSERT(found.cell != 0, "a value that was not computed is wanted");
      a_.mov(to, cell(found.cell));
    }
    bind(value, reg);
  }
  pinned_general_ |= 1u << found.reg;
  return x86::gpq(static_cast<uint32_t>(found.reg));
}

Compiler::Xmm Compiler::use_vector(Value value) {
  Note& found = note(value);
  if (found.reg < 0) {
    const int8_t reg = allocate_vector();
    const Xmm to = x86::xmm(static_cast<uint32_t>(reg));
    if (at(value).op == Op::vconstant) {
      const ir::Vec128& constant = unit_.vectors[at(value).imm];
      load_constant(x86::rax, constant.lo);
      a_.movq(to, x86::rax);
      load_constant(x86::rax, constant.hi);
      a_.movq(x86::xmm15, x86::rax);
      a_.punpcklqdq(to, x86::xmm15);
    } else if (is_constant(value)) {
      load_constant(x86::rax, at(value).imm);
      a_.movq(to, x86::rax);
    } else {
      STRATA_ASSERT(found.cell != 0, "a value that was not computed is wanted");
      if (ir::bits(type_of(value)) > 64) a_.movups(to, cell(found.cell, 16));
      else if (type_of(value) == Type::f32) a_.movss(to, cell(found.cell, 4));
      else a_.movsd(to, cell(found.cell));
    }
    bind(value, reg);
  }
  pinned_vectors_ |= 1u << found.reg;
  return x86::xmm(static_cast<uint32_t>(found.reg));
}

Compiler::Gp Compiler::define(Value value) {
  const int8_t reg = allocate_general();
  bind(value, reg);
  return x86::gpq(static_cast<uint32_t>(reg));
}

Compiler::Xmm Compiler::define_vector(Value value) {
  const int8_t reg = allocate_vector();
  bind(value, reg);
  return x86::xmm(static_cast<uint32_t>(reg));
}

void Compiler::take_over(Value value, Value from) {
  const int8_t reg = note(from).reg;
  note(from).reg = -1;
  bind(value, reg);
}

Compiler::Gp Compiler::define_from(Value value, Value from) {
  if (is_constant(from) && note(from).reg < 0) {
    const Gp to = define(value);
    load_constant(to, at(from).imm);
    return to;
  }
  const Gp source = use(from);
  if (dies(from)) {
    take_over(value, from);
    return source;
  }
  const Gp to = define(value);
  a_.mov(to, source);
  return to;
}

Compiler::Xmm Compiler::define_vector_from(Value value, Value from) {
  const Xmm source = use_vector(from);
  if (dies(from)) {
    take_over(value, from);
    return source;
  }
  const Xmm to = define_vector(value);
  a_.movaps(to, source);
  return to;
}

/// Calls keep rbx, r12 and r13 only.
void Compiler::evict_lost_in_calls() {
  for (const uint8_t reg : general_lost_in_calls)
    if (general_[reg] != no_value) evict(general_[reg]);
  for (unsigned reg = 0; reg < vector_registers; ++reg)
    if (vectors_[reg] != no_value) evict(vectors_[reg]);
}

}  // namespace strata::codegen::x64

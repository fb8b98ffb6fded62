// Where values stand: registers, cells of the frame, or nowhere because they are constants.
#include <algorithm>

#include "base/assert.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

using ir::no_value;

void Compiler::forget_values() {
  for (auto& values : scratch_.held) values.clear();
  vectors_.fill(no_value);
  cells_ = Frame::values;
}

void Compiler::bind(Value value, int8_t reg) {
  note(value).reg = reg;
  if (is_vector(value)) {
    vectors_[static_cast<unsigned>(reg)] = value;
    pinned_vectors_ |= 1u << reg;
  } else {
    held(reg).push_back(value);
    pinned_general_ |= 1u << reg;
  }
}

/// The value stands in its register no longer.
void Compiler::release(Value value) {
  Note& found = note(value);
  if (is_vector(value)) vectors_[static_cast<unsigned>(found.reg)] = no_value;
  else std::erase(held(found.reg), value);
  found.reg = -1;
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
  if (found.unclean && ir::bits(type_of(value)) == 32) {
    // One store of all that will be loaded: the host waits where it has to put two together.
    a_.movd(x86::xmm15, x86::gpd(reg));
    a_.movq(cell(found.cell), x86::xmm15);
  } else if (found.unclean) {
    a_.mov(cell(found.cell), 0);
    a_.mov(cell(found.cell, ir::bytes(type_of(value))), sized(x86::gpq(reg), type_of(value)));
  } else if (!is_vector(value)) a_.mov(cell(found.cell), x86::gpq(reg));
  else if (ir::bits(type_of(value)) > 64) a_.movups(cell(found.cell, 16), x86::xmm(reg));
  else if (type_of(value) == Type::f32) a_.movss(cell(found.cell, 4), x86::xmm(reg));
  else a_.movsd(cell(found.cell), x86::xmm(reg));
  return found.cell;
}

void Compiler::evict(Value value) {
  Note& found = note(value);
  const bool constant = at(value).op == Op::constant || at(value).op == Op::vconstant;
  if (!constant && found.last_use >= position_) cell_of(value);
  found.unclean = false;
  release(value);
}

void Compiler::evict_all(uint8_t reg) {
  while (!scratch_.held[reg].empty()) evict(scratch_.held[reg].back());
}

/// How long the register's values are wanted; 0: it is free.
uint32_t Compiler::wanted_until(uint8_t reg) const {
  uint32_t last = 0;
  for (const Value value : scratch_.held[reg])
    if (note(value).last_use >= position_) last = std::max(last, note(value).last_use);
  return last;
}

int8_t Compiler::free_general() {
  for (const uint8_t reg : homes_.pool()) {
    if ((pinned_general_ >> reg & 1) != 0 || wanted_until(reg) != 0) continue;
    evict_all(reg);
    return static_cast<int8_t>(reg);
  }
  return -1;
}

int8_t Compiler::allocate_general() {
  if (const int8_t reg = free_general(); reg >= 0) return reg;
  int8_t victim = -1;
  uint32_t farthest = 0;
  for (const uint8_t reg : homes_.pool()) {
    const uint32_t last = wanted_until(reg);
    if ((pinned_general_ >> reg & 1) != 0 || last <= farthest) continue;
    victim = static_cast<int8_t>(reg);
    farthest = last;
  }
  STRATA_ASSERT(victim >= 0, "all registers are in use by one instruction");
  evict_all(static_cast<uint8_t>(victim));
  return victim;
}

/// Before a home gets another value: what is wanted of the old one beyond this instruction goes elsewhere. What only
/// this instruction wants stays, to be read before it is lost.
void Compiler::vacate(int8_t home) {
  int8_t to = -1;
  bool tried = false;
  auto& values = held(home);
  for (size_t i = 0; i < values.size();) {
    const Value value = values[i];
    Note& found = note(value);
    if (found.last_use == position_) {
      ++i;
      continue;
    }
    if (found.last_use > position_ && found.cell == 0) {
      if (!tried) {
        to = free_general();
        if (to >= 0) a_.mov(x86::gpq(static_cast<uint32_t>(to)), x86::gpq(static_cast<uint32_t>(home)));
        tried = true;
      }
      if (to < 0) cell_of(value);
    }
    const bool moves = found.last_use > position_ && found.cell == 0;
    if (found.cell != 0) found.unclean = false;
    release(value);
    if (!moves) continue;
    found.reg = to;
    held(to).push_back(value);
  }
}

/// The home into which a result may be computed, as the set that wants it does nothing more; -1: none.
int8_t Compiler::target_of(Value value) const {
  const uint32_t set = note(value).fold;
  return set == never ? int8_t{-1} : homes_.of(at(set).imm);
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

/// With zeros above the bits of `type`.
void Compiler::copy_clean(const Gp& to, const Gp& from, Type type) {
  switch (ir::bits(type)) {
    case 64: a_.mov(to.r64(), from.r64()); break;
    case 32: a_.mov(to.r32(), from.r32()); break;
    case 16: a_.movzx(to.r32(), from.r16()); break;
    default: a_.movzx(to.r32(), from.r8()); break;
  }
}

/// In a general register, which may hold anything above the bits of the value's type.
Compiler::Gp Compiler::use_low(Value value) {
  if (note(value).reg < 0) {
    const int8_t reg = allocate_general();
    const Gp to = x86::gpq(static_cast<uint32_t>(reg));
    if (is_constant(value)) {
      load_constant(to, at(value).imm);
    } else {
      STRATA_ASSERT(note(value).cell != 0, "a value that was not computed is wanted");
      a_.mov(to, cell(note(value).cell));
    }
    bind(value, reg);
  }
  const auto reg = static_cast<uint32_t>(note(value).reg);
  pinned_general_ |= 1u << reg;
  return x86::gpq(reg);
}

Compiler::Gp Compiler::use(Value value) {
  const uint32_t pinned = pinned_general_;
  const Gp found = use_low(value);
  if (!note(value).unclean) return found;
  Gp to = found;
  if (homes_.is_home(found.id()) || !is_alone(value)) {
    pinned_general_ = pinned;
    const int8_t reg = allocate_general();
    to = x86::gpq(static_cast<uint32_t>(reg));
    if (note(value).reg >= 0) release(value);
    bind(value, reg);
  }
  copy_clean(to, found, type_of(value));
  note(value).unclean = false;
  return to;
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

/// `reads_first`: the code to come reads its operands before it writes the result, so that they may share a register.
Compiler::Gp Compiler::define(Value value, bool reads_first) {
  int8_t reg = target_of(value);
  if (reg >= 0 && (reads_first || (pinned_general_ >> reg & 1) == 0)) vacate(reg);
  else reg = allocate_general();
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
  release(from);
  bind(value, reg);
}

/// Whether nothing else that is still wanted stands in the value's register.
bool Compiler::is_alone(Value value) const {
  const auto& values = scratch_.held[static_cast<unsigned>(note(value).reg)];
  return std::all_of(values.begin(), values.end(),
                     [&](Value other) { return other == value || note(other).last_use < position_; });
}

/// All other operands must be in use already. `above`: whether what is above the bits of `from` has to be zeros.
Compiler::Gp Compiler::define_from(Value value, Value from, Above above) {
  if (is_constant(from) && note(from).reg < 0) {
    const Gp to = define(value);
    load_constant(to, at(from).imm);
    return to;
  }
  const uint32_t others = pinned_general_;
  const Gp source = use_low(from);
  const bool clean = above == Above::zeros && note(from).unclean;
  const auto reg = static_cast<int8_t>(source.id());
  const int8_t target = target_of(value);
  if (target >= 0 && (target == reg || (others >> target & 1) == 0)) {
    vacate(target);
    bind(value, target);
  } else if (dies(from) && !homes_.is_home(source.id()) && is_alone(from)) {
    take_over(value, from);
  } else {
    bind(value, allocate_general());
  }
  const Gp to = x86::gpq(static_cast<uint32_t>(note(value).reg));
  if (clean) copy_clean(to, source, type_of(from));
  else if (to != source) a_.mov(to, source);
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

/// What stands in registers of the pool that calls do not keep; homes are seen to by the thunks.
void Compiler::evict_lost_in_calls() {
  for (const uint8_t reg : homes_.pool())
    if (lost_in_calls(reg)) evict_all(reg);
  for (unsigned reg = 0; reg < vector_registers; ++reg)
    if (vectors_[reg] != no_value) evict(vectors_[reg]);
}

/// Before calls that may set slots: values that were read from them stay what they are.
void Compiler::evict_homes() {
  for (const Homes::Home& home : homes_.all()) evict_all(home.reg);
}

}  // namespace strata::codegen::x64

// Where values stand: registers, cells of the frame, or nowhere because they are constants.
#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

/// At a block's end.
void Compiler::forget_values() {
  for (Registers* all : {&general_, &vectors_}) {
    for (uint32_t left = all->met; left != 0; left &= left - 1)
      all->held[static_cast<size_t>(std::countr_zero(left))].clear();
    all->met = 0;
  }
  values_in_cells_ = 0;
}

/// Nothing but where the value stands.
void Compiler::hold(Registers& all, Value value, int8_t reg) {
  note(value).reg = reg;
  all.held[static_cast<uint8_t>(reg)].push_back(value);
  all.met |= 1u << reg;
}

/// The register of its kind in which the slot stands throughout; -1: there is none.
int8_t Compiler::home_of(uint64_t slot) const {
  const int8_t general = homes_.general.of(slot);
  return general >= 0 ? general : homes_.vectors.of(slot);
}

void Compiler::bind(Value value, int8_t reg) {
  Registers& all = registers_of(value);
  hold(all, value, reg);
  all.pinned |= 1u << reg;
}

/// The value stands in its register no longer.
void Compiler::release(Value value) {
  Note& found = note(value);
  std::erase(registers_of(value).held[static_cast<uint8_t>(found.reg)], value);
  found.reg = -1;
}

void Compiler::assign_cell(Value value) {
  if (note(value).cell != 0) return;
  const bool wide = ir::bits(type_of(value)) > 64;
  if (wide) values_in_cells_ += values_in_cells_ & 1;
  note(value).cell = Frame::value_cell(values_in_cells_);
  values_in_cells_ += wide ? 2 : 1;
  STRATA_ASSERT(Frame::far_values + values_in_cells_ <= Frame::temporaries, "too many values at once in one unit");
}

/// The value's cell, filled. Not for constants.
uint32_t Compiler::cell_of(Value value) {
  Note& found = note(value);
  if (found.cell != 0) return found.cell;
  STRATA_ASSERT(found.reg >= 0, "a value that was not computed is wanted");
  assign_cell(value);
  const uint32_t reg = static_cast<uint8_t>(found.reg);
  if (is_vector(value)) {
    if (ir::bits(type_of(value)) > 64) a_.movups(cell(found.cell, 16), x86::xmm(reg));
    else if (type_of(value) == Type::f32) a_.movss(cell(found.cell, 4), x86::xmm(reg));
    else a_.movsd(cell(found.cell), x86::xmm(reg));
  } else if (found.unclean && ir::bits(type_of(value)) == 32 && is_alone(value) && !general_.homes.is_home(reg)) {
    a_.mov(x86::gpd(reg), x86::gpd(reg));
    a_.mov(cell(found.cell), x86::gpq(reg));
    found.unclean = false;
  } else if (found.unclean && ir::bits(type_of(value)) == 32) {
    // One store of all that will be loaded: the host waits where it has to put two together.
    a_.movd(x86::xmm15, x86::gpd(reg));
    a_.movq(cell(found.cell), x86::xmm15);
  } else if (found.unclean) {
    a_.mov(cell(found.cell), 0);
    a_.mov(cell(found.cell, ir::bytes(type_of(value))), sized(x86::gpq(reg), type_of(value)));
  } else {
    a_.mov(cell(found.cell), x86::gpq(reg));
  }
  return found.cell;
}

void Compiler::evict(Value value) {
  Note& found = note(value);
  const bool constant = at(value).op == Op::constant || at(value).op == Op::vconstant;
  if (!constant && found.last_use >= position_) cell_of(value);
  found.unclean = false;
  release(value);
}

void Compiler::evict_all(Registers& all, uint8_t reg) {
  while (!all.held[reg].empty()) evict(all.held[reg].back());
}

/// Whether any of the register's values is wanted yet.
bool Compiler::is_wanted(const Registers& all, uint8_t reg) const {
  const auto& values = all.held[reg];
  return std::any_of(values.begin(), values.end(), [this](Value value) { return note(value).last_use >= position_; });
}

/// How long code needs the register's values; 0: only exits do, for which they may as well stand in the frame.
uint32_t Compiler::needed_until(const Registers& all, uint8_t reg) const {
  uint32_t last = 0;
  for (const Value value : all.held[reg])
    if (note(value).last_need >= position_) last = std::max(last, note(value).last_need);
  return last;
}

int8_t Compiler::find_free(Registers& all) {
  for (const uint8_t reg : all.homes.pool()) {
    if ((all.pinned >> reg & 1) != 0 || is_wanted(all, reg)) continue;
    evict_all(all, reg);
    return static_cast<int8_t>(reg);
  }
  return -1;
}

int8_t Compiler::allocate(Registers& all) {
  if (const int8_t reg = find_free(all); reg >= 0) return reg;
  int8_t victim = -1;
  uint32_t farthest = 0;
  for (const uint8_t reg : all.homes.pool()) {
    if ((all.pinned >> reg & 1) != 0) continue;
    const uint32_t last = needed_until(all, reg);
    if (victim >= 0 && last != 0 && last <= farthest) continue;
    victim = static_cast<int8_t>(reg);
    if (last == 0) break;
    farthest = last;
  }
  STRATA_ASSERT(victim >= 0, "all registers are in use by one instruction");
  evict_all(all, static_cast<uint8_t>(victim));
  return victim;
}

/// Of the kind that the value stands in.
void Compiler::move(Value value, int8_t to, int8_t from) {
  if (is_vector(value)) a_.movaps(x86::xmm(static_cast<uint32_t>(to)), x86::xmm(static_cast<uint32_t>(from)));
  else a_.mov(x86::gpq(static_cast<uint32_t>(to)), x86::gpq(static_cast<uint32_t>(from)));
}

/// A constant, or a value that stands in its cell only.
void Compiler::fetch(Value value, int8_t reg) {
  const Instr& instr = at(value);
  const Gp to = x86::gpq(static_cast<uint32_t>(reg));
  const Xmm vector = x86::xmm(static_cast<uint32_t>(reg));
  if (instr.op == Op::vconstant) return load_constant(vector, unit_.vectors[instr.imm]);
  if (instr.op == Op::constant) {
    if (is_vector(value)) load_constant(vector, {instr.imm, 0});
    else load_constant(to, instr.imm);
    return;
  }
  STRATA_ASSERT(note(value).cell != 0, "a value that was not computed is wanted");
  const Type type = type_of(value);
  load_from(cell(note(value).cell), is_vector_type(type) ? type : Type::i64, reg);
}

/// Whether a general home that is about to get another value may lose what is above 32 bits: the instruction at hand
/// shows it to nobody, and no wider value in it is wanted.
bool Compiler::may_be_cut(int8_t home) const {
  const Instr& instr = at(here());
  if (instr.op != Op::set && !is_pure(unit_, instr)) return false;
  const auto& values = general_.held[static_cast<uint8_t>(home)];
  return std::all_of(values.begin(), values.end(), [this](Value value) {
    return note(value).last_use < position_ || ir::bits(type_of(value)) <= 32;
  });
}

/// Before a home gets another value: what is wanted of the old one beyond this instruction goes elsewhere. What only
/// this instruction wants stays, to be read before it is lost.
void Compiler::vacate(Registers& all, int8_t home) {
  int8_t to = -1;
  bool tried = false;
  const bool may_cut = &all == &general_ && may_be_cut(home);  // asked before any leaves: the instruction reads it yet
  auto& values = all.held[static_cast<uint8_t>(home)];
  for (size_t i = 0; i < values.size();) {
    const Value value = values[i];
    Note& found = note(value);
    if (found.last_use == position_) {
      ++i;
      continue;
    }
    if (found.last_use > position_ && found.cell == 0) {
      if (!tried) {
        to = find_free(all);
        if (to >= 0) move(value, to, home);
        tried = true;
      }
      if (to < 0 && may_cut && found.unclean && ir::bits(type_of(value)) == 32) {
        a_.mov(x86::gpd(static_cast<uint32_t>(home)), x86::gpd(static_cast<uint32_t>(home)));
        found.unclean = false;
      }
      if (to < 0) cell_of(value);
    }
    const bool moves = found.last_use > position_ && found.cell == 0;
    if (found.cell != 0) found.unclean = false;
    release(value);
    if (!moves) continue;
    hold(all, value, to);
  }
}

/// The home into which a result may be computed, as the set that wants it does nothing more; -1: none.
int8_t Compiler::target_of(Value value) const {
  const uint32_t set = note(value).fold;
  return set == never ? int8_t{-1} : home_of(at(set).imm);
}

/// In a register of its kind.
int8_t Compiler::bring(Value value) {
  if (note(value).reg < 0) {
    const int8_t reg = allocate(registers_of(value));
    fetch(value, reg);
    bind(value, reg);
  }
  registers_of(value).pinned |= 1u << note(value).reg;
  return note(value).reg;
}

/// `reads_first`: the code to come reads its operands before it writes the result, so that they may share a register.
int8_t Compiler::give(Value value, bool reads_first) {
  Registers& all = registers_of(value);
  int8_t reg = target_of(value);
  if (reg >= 0 && (reads_first || (all.pinned >> reg & 1) == 0)) vacate(all, reg);
  else reg = allocate(all);
  bind(value, reg);
  return reg;
}

/// The same for a result that is computed of `from`, in whose register it ends up if it may. `others`: registers of other
/// operands.
int8_t Compiler::give_from(Value value, Value from, uint32_t others) {
  Registers& all = registers_of(value);
  const int8_t reg = note(from).reg, target = target_of(value);
  if (target >= 0 && (target == reg || (others >> target & 1) == 0)) {
    vacate(all, target);
    bind(value, target);
  } else if (dies(from) && !all.homes.is_home(static_cast<unsigned>(reg)) && is_alone(from)) {
    release(from);
    bind(value, reg);
  } else {
    bind(value, allocate(all));
  }
  return note(value).reg;
}

/// Whether nothing else that is still wanted stands in the value's register.
bool Compiler::is_alone(Value value) const {
  const auto& values = registers_of(value).held[static_cast<uint8_t>(note(value).reg)];
  return std::all_of(values.begin(), values.end(),
                     [&](Value other) { return other == value || note(other).last_use < position_; });
}

/// The value stands where `from` stands, which has the same bits.
void Compiler::share(Value value, Value from) { bind(value, bring(from)); }

/// What stands in registers that calls do not keep. General homes are seen to by the thunks, and homes of vectors are
/// the state's then, but not other values in them.
void Compiler::evict_lost_in_calls() {
  for (const uint8_t reg : homes_.general.pool())
    if (lost_in_calls(reg)) evict_all(general_, reg);
  for (const uint8_t reg : vector_registers) evict_all(vectors_, reg);
}

/// Before calls that may set slots: values that were read from them stay what they are.
void Compiler::evict_homes() {
  for (const Homes::Home& home : homes_.general.all()) evict_all(general_, home.reg);
}

}  // namespace strata::codegen::x64

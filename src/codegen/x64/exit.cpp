// Ways on and out: jumps, exits, and how far the state lags behind. As codegen/interp/lower_control.cpp counts.
#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "codegen/interp/single_step.h"
#include "codegen/x64/compiler.h"
#include "codegen/x64/jump_table.h"

namespace strata::codegen::x64 {

using ir::ExitKind;

/// Leaves the host's flags alone.
void Compiler::count(int64_t insns) {
  if (insns == 0) return;
  auto known =
      std::find_if(increments_.begin(), increments_.end(), [&](const auto& one) { return one.first == insns; });
  if (known == increments_.end()) known = increments_.insert(known, {insns, a_.newLabel()});
  a_.paddq(count_register, x86::ptr(known->second));
}

/// In a scratch register but rdx. Leaves the host's flags alone.
void Compiler::add_constant(const Gp& to, uint64_t constant) {
  if (fits(constant)) return static_cast<void>(a_.lea(to, x86::ptr(to, static_cast<int32_t>(constant))));
  load_constant(x86::rdx, constant);
  a_.lea(to, x86::ptr(to, x86::rdx));
}

void Compiler::write_pc(uint64_t pc) {
  const x86::Mem slot = state(unit_.layout->slots[unit_.layout->pc].offset, 8);
  if (unit_.relocatable) {
    a_.mov(x86::rax, unit_base());
    add_constant(x86::rax, pc);
    a_.mov(slot, x86::rax);
  } else if (fits(pc)) {
    a_.mov(slot, static_cast<int32_t>(pc));
  } else {
    a_.mov(x86::rax, pc);
    a_.mov(slot, x86::rax);
  }
}

void Compiler::begin_insn(uint64_t pc) {
  pc_ = pc;
  pc_lags_ = at_insn_ = begun_ = true;
  ++uncounted_;
}

void Compiler::set_pc(Value pc, bool sunk) {
  at_insn_ = pc_lags_ = false;
  if (sunk) return;
  if (is_told_pc(unit_, pc)) {
    pc_ = told_pc(unit_, pc);
    pc_lags_ = true;
  } else {
    a_.mov(state(unit_.layout->slots[unit_.layout->pc].offset, 8), use(pc));
  }
}

void Compiler::bring_up_to_date() {
  if (pc_lags_) write_pc(pc_);
  count(uncounted_);
  pc_lags_ = false;
  uncounted_ = 0;
}

/// Whether something may look at the pc slot before the target sets it anew.
bool Compiler::wants_pc(ir::BlockId target) const {
  for (const Instr& instr : unit_.instrs(target)) {
    if (instr.op == Op::insn || instr.op == Op::exit_goto || instr.op == Op::exit_indirect) return false;
    const bool slot = instr.op == Op::get || instr.op == Op::set;
    if (slot && instr.imm == unit_.layout->pc) return instr.op == Op::get;
    const bool computes = ir::has(instr.op, ir::Trait::pure) || instr.op == Op::nop || slot;
    if (!computes) return true;
  }
  return true;
}

/// What a block knows when it is jumped to: whether the pc is that of an instruction not done yet. Where jumps disagree
/// it is taken to be done.
void Compiler::hand_on(ir::BlockId target) { at_insn_blocks_[target] &= static_cast<uint8_t>(at_insn_); }

void Compiler::count_ways_in() {
  uncounted_before_.assign(unit_.blocks.size(), 0);
  ways_in_.assign(unit_.blocks.size(), 0);
  ways_in_[0] = 2;
  for (const ir::Block& block : unit_.blocks) {
    const Instr& last = at(block.end - 1);
    const unsigned targets = last.op == Op::branch ? 2 : last.op == Op::jump ? 1 : 0;
    for (unsigned i = 0; i < targets; ++i)
      if (uint8_t& ways = ways_in_[last.target[i]]; ways < 2) ++ways;
  }
}

/// Whether the block is come to from here only, and may count what was begun here.
bool Compiler::takes_count(ir::BlockId target) const {
  return ways_in_[target] == 1 && uncounted_before_[target] != compiled;
}

void Compiler::hand_on_count(std::initializer_list<ir::BlockId> targets) {
  const bool all = std::all_of(targets.begin(), targets.end(), [this](ir::BlockId id) { return takes_count(id); });
  if (!all) return count(uncounted_);
  for (const ir::BlockId id : targets) uncounted_before_[id] = uncounted_;
}

void Compiler::note_set(uint64_t slot, Value set, bool sunk) {
  std::erase_if(open_sunk_, [slot](const auto& open) { return open.first == slot; });
  if (sunk) open_sunk_.push_back({slot, set});
}

/// The cell in which an exit finds a value: what registers held is saved there by the thunk; constants and sunk values
/// are computed by the exit's own steps.
uint16_t Compiler::exit_operand(Value value) {
  const Instr& instr = at(value);
  const Note& found = note(value);
  const bool constant = instr.op == Op::constant || instr.op == Op::vconstant;
  const bool in_state = instr.op == Op::get && found.fused;
  if (!constant && !in_state && !is_sunk(instr, found)) {
    if (found.cell != 0) return static_cast<uint16_t>(found.cell);
    STRATA_ASSERT(found.reg >= 0, "an exit wants a value that was not kept");
    const auto reg = static_cast<unsigned>(found.reg);
    return static_cast<uint16_t>(is_vector(value) ? Frame::vectors + 2 * reg : reg);
  }
  for (const auto& [known, where] : exit_values_)
    if (known == value) return where;
  uint16_t operands[4] = {};
  const unsigned count = ir::info(instr.op).operands;
  for (unsigned i = 0; i < count; ++i) operands[i] = exit_operand(instr.arg[i]);
  const auto where = static_cast<uint16_t>(Frame::temporaries + next_temporary_);
  next_temporary_ += 2;
  STRATA_ASSERT(where + 2u <= Frame::all_cells, "too much is left to one exit");
  if (constant) interp::append_constant(code_->steps, unit_, instr, where);
  else if (in_state) interp::append_get(code_->steps, slot_of(instr), where);
  else interp::append_operation(code_->steps, unit_, instr, where, operands);
  exit_values_.push_back({value, where});
  return where;
}

/// Neighbours often owe the same: then the steps just made are the last ones again.
void Compiler::share_steps(ExitPlace& place) {
  std::vector<interp::Step>& steps = code_->steps;
  const size_t begin = place.first_step, size = steps.size() - begin, before = last_owing_;
  last_owing_ = place.first_step;
  if (begin - before != size || std::memcmp(&steps[before], &steps[begin], size * sizeof(interp::Step)) != 0) return;
  steps.resize(begin);
  place.first_step = last_owing_ = static_cast<uint32_t>(before);
}

Compiler::Exit Compiler::make_exit(ExitKind kind, uint64_t payload, bool from_helper) {
  ExitPlace place;
  place.kind = kind;
  place.payload = payload;
  place.from_helper = from_helper;
  place.pc = pc_;
  place.pc_lags = pc_lags_;
  place.begun = begun_;
  place.at_insn = at_insn_;
  place.insns = static_cast<uint16_t>(uncounted_);
  place.owes = !open_sunk_.empty();
  if (place.owes) {
    place.first_step = static_cast<uint32_t>(code_->steps.size());
    next_temporary_ = 0;
    exit_values_.clear();
    std::vector<std::pair<uint64_t, uint16_t>> sets;
    for (const auto& [slot, set] : open_sunk_) sets.push_back({slot, exit_operand(at(set).arg[0])});
    for (const auto& [slot, from] : sets) interp::append_set(code_->steps, unit_.layout->slots[slot], from);
    interp::append_end(code_->steps);
    share_steps(place);
  }
  code_->exits.push_back(place);
  const Exit exit{a_.newLabel(), static_cast<uint32_t>(exit_labels_.size())};
  exit_labels_.push_back({exit.label, exit.number});
  return exit;
}

/// With the state as it is now. The result goes back in rax and rdx.
void Compiler::leave(const ir::RunResult& result) {
  a_.mov(x86::rcx, data(offsetof(CodeData, code)));
  uint32_t head = 0;  // all but the payload: the last bytes are padding
  std::memcpy(&head, &result, sizeof head);
  a_.mov(x86::eax, head);
  load_constant(x86::rdx, result.payload);
  a_.jmp(x86::ptr(x86::rsp, Frame::thunk(Frame::leave), 8));
}

void Compiler::exit_if(const Instr& instr) {
  const CondCode holds = condition(instr.arg[0]);
  a_.j(holds, make_exit(static_cast<ExitKind>(instr.kind), instr.imm).label);
}

void Compiler::look_for_events() { a_.cmp(context(x86::rax, offsetof(ir::ExecContext, events), 4), 0); }

/// Whether a link may close a loop. The others lead to units that begin behind this one, so that code in which nobody
/// looks for events comes to an end.
bool Compiler::leads_back(uint64_t pc) const { return static_cast<int64_t>(pc) <= static_cast<int64_t>(first_pc()); }

/// At the end of a loop's round it goes on right from here.
void Compiler::poll() {
  const Instr& next = at(position_ + 1);
  const bool ends_round = next.op == Op::jump && next.target[0] != next_block_;
  if (ends_round) {
    count(uncounted_);
    uncounted_ = 0;
  }
  look_for_events();
  const Exit exit = make_exit(ExitKind::event, 0);
  if (ends_round) round_exit_ = exit.label;
  else a_.jne(exit.label);
}

void Compiler::compile_terminator(const Instr& instr) {
  switch (instr.op) {
    case Op::jump:
      hand_on(instr.target[0]);
      if (pc_lags_ && wants_pc(instr.target[0])) bring_up_to_date();
      hand_on_count({instr.target[0]});
      return jump(instr.target[0]);
    case Op::branch: return branch(instr);
    case Op::exit: return compile_exit(instr);
    case Op::exit_goto: return exit_goto(instr);
    default: return exit_indirect(instr);
  }
}

void Compiler::jump(ir::BlockId target) {
  if (round_exit_.isValid()) {
    a_.je(blocks_[target]);
    a_.jmp(round_exit_);
    round_exit_.reset();
  } else if (target != next_block_) {
    a_.jmp(blocks_[target]);
  }
}

void Compiler::branch(const Instr& instr) {
  const ir::BlockId yes = instr.target[0], no = instr.target[1];
  hand_on(yes);
  hand_on(no);
  if (pc_lags_ && (wants_pc(yes) || wants_pc(no))) bring_up_to_date();
  hand_on_count({yes, no});
  const CondCode holds = condition(instr.arg[0]);
  if (yes == next_block_) {
    a_.j(x86::negateCond(holds), blocks_[no]);
  } else {
    a_.j(holds, blocks_[yes]);
    jump(no);
  }
}

void Compiler::compile_exit(const Instr& instr) {
  const auto kind = static_cast<ExitKind>(instr.kind);
  const bool fault = kind == ExitKind::memory || kind == ExitKind::trap;
  const bool undone = (fault && begun_) || (kind == ExitKind::event && at_insn_);
  if (pc_lags_) write_pc(pc_);
  // The count may go below what it was before this unit's begin, by the instruction that another block began.
  const int64_t done = uncounted_ - (undone ? 1 : 0);
  count(done);
  leave({.kind = kind, .payload = instr.imm});
}

/// Linked code knows its pc.
void Compiler::exit_goto(const Instr& instr) {
  count(uncounted_);
  const uint8_t link = link_of_block_[block_];
  if (link == ir::RunResult::no_link) {
    write_pc(instr.imm);
    return leave({});
  }
  unlinked_[link] = {a_.newLabel(), instr.imm};
  if (unit_.relocatable && !stays_on_page(instr.imm)) {
    load_constant(x86::rax, instr.imm & ir::page_mask);
    a_.add(unit_base(), x86::rax);
  }
  if (!unit_.counted && leads_back(instr.imm)) {
    look_for_events();
    a_.jne(unlinked_[link].first);
  }
  a_.jmp(data(static_cast<uint32_t>(sizeof(CodeData)) + 8 * link));
}

void Compiler::exit_indirect(const Instr& instr) {
  const Gp pc = use(instr.arg[0]);
  const x86::Mem slot = state(unit_.layout->slots[unit_.layout->pc].offset, 8);
  count(uncounted_);
  const Op from = at(instr.arg[0]).op;
  if (unit_.mode == 0 || from == Op::constant || from == Op::call) {
    a_.mov(slot, pc);
    return leave({});
  }
  const Label miss = a_.newLabel();
  if (!unit_.counted) {
    look_for_events();
    a_.jne(miss);
  }
  constexpr unsigned entry_bits = 5;
  static_assert(sizeof(JumpTable::Entry) == 1u << entry_bits);
  if (host_.bmi2) {
    a_.rorx(x86::ecx, pc.r32(), JumpTable::shift - entry_bits);
    a_.rorx(x86::eax, pc.r32(), 32 - entry_bits);
    a_.xor_(x86::ecx, x86::eax);
  } else {
    a_.mov(x86::ecx, pc.r32());
    a_.shr(x86::ecx, JumpTable::shift);
    a_.xor_(x86::ecx, pc.r32());
    a_.shl(x86::ecx, entry_bits);
  }
  a_.and_(x86::ecx, static_cast<uint32_t>((JumpTable::size - 1) << entry_bits));
  a_.add(x86::rcx, x86::ptr(x86::rsp, Frame::jumps));
  a_.cmp(pc, x86::ptr(x86::rcx, offsetof(JumpTable::Entry, pc)));
  a_.jne(miss);
  a_.cmp(x86::dword_ptr(x86::rcx, offsetof(JumpTable::Entry, mode)), unit_.mode);
  a_.jne(miss);
  if (unit_.relocatable) {
    a_.mov(x86::rax, pc);
    a_.and_(x86::rax, static_cast<int32_t>(ir::page_mask));
    a_.mov(unit_base(), x86::rax);
  }
  a_.jmp(x86::ptr(x86::rcx, offsetof(JumpTable::Entry, target), 8));
  a_.bind(miss);
  a_.mov(slot, pc);
  leave({});
}

}  // namespace strata::codegen::x64

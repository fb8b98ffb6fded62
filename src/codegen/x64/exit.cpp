// Ways on and out: jumps, exits, and how far the state lags behind. As codegen/interp/lower_control.cpp counts.
#include <algorithm>

#include "codegen/x64/compiler.h"
#include "codegen/x64/jump_table.h"

namespace strata::codegen::x64 {

using ir::ExitKind;

/// Leaves the host's flags alone.
void Compiler::count(int64_t insns) {
  if (insns > 0 && insns <= ir::SmallCounts::most) {
    a_.paddq(count_register, x86::ptr(tlb_register, TlbRegister::to_count(static_cast<unsigned>(insns)), 16));
    return;
  }
  for (; insns > 0; insns -= Thunks::most_counted) {
    constexpr uint8_t add[] = {0x66, 0x0f, 0xd4, 0x3d, 0, 0, 0, 0};  // paddq count_register, [rip + distance]
    a_.embed(add, sizeof add);
    counts_.push_back({here_in_code(), static_cast<unsigned>(std::min<int64_t>(insns, Thunks::most_counted))});
  }
}

/// In a scratch register but rdx. Leaves the host's flags alone.
void Compiler::add_constant(const Gp& to, uint64_t constant) {
  if (fits(constant)) return static_cast<void>(a_.lea(to, x86::ptr(to, static_cast<int32_t>(constant))));
  load_constant(x86::rdx, constant);
  a_.lea(to, x86::ptr(to, x86::rdx));
}

void Compiler::write_pc(uint64_t pc) {
  const x86::Mem slot = state(homes_.pc(), 8);
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
  tell_pc(pc);
  at_insn_ = begun_ = true;
  ++uncounted_;
}

/// Code writes the pc that it knows where somebody looks; what lies too far off for an ExitPlace, at once.
void Compiler::tell_pc(uint64_t pc) {
  pc_ = pc;
  pc_lags_ = is_near(pc);
  if (!pc_lags_) write_pc(pc);
}

void Compiler::set_pc(Value pc, bool sunk) {
  at_insn_ = pc_lags_ = false;
  if (sunk) return;
  if (is_told_pc(unit_, pc)) {
    tell_pc(told_pc(unit_, pc));
  } else {
    a_.mov(state(homes_.pc(), 8), use(pc));
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
    const bool slot = instr.op == Op::get || instr.op == Op::set || instr.op == Op::drop;
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
  if (open_sunk_.empty() && !sunk) return;
  const auto known =
      std::find_if(open_sunk_.begin(), open_sunk_.end(), [slot](const auto& open) { return open.first == slot; });
  if (known != open_sunk_.end()) open_sunk_.erase(known);
  if (sunk) open_sunk_.push_back({slot, set});
}

void Compiler::exit_if(const Instr& instr) {
  const CondCode holds = condition(instr.arg[0]);
  jump_to_stub(holds, make_exit(static_cast<ExitKind>(instr.kind), instr.imm));
}

void Compiler::look_for_events() {
  a_.repeat(work_.look_for_events, [&] { a_.cmp(context(x86::rax, offsetof(ir::ExecContext, events), 4), 0); });
}

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
  const uint32_t exit = make_exit(ExitKind::event, 0);
  if (ends_round) round_exit_ = exit;
  else jump_to_stub(CondCode::kNE, exit);
}

void Compiler::compile_terminator(const Instr& instr) {
  switch (instr.op) {
    case Op::jump:
      hand_on(instr.target[0]);
      if (pc_lags_ && wants_pc(instr.target[0])) bring_up_to_date();
      hand_on_count({instr.target[0]});
      return jump(instr.target[0]);
    case Op::branch: return branch(instr);
    case Op::exit: return leave(static_cast<ExitKind>(instr.kind), instr.imm);
    case Op::exit_goto: return exit_goto(instr);
    default: return exit_indirect(instr);
  }
}

void Compiler::jump(ir::BlockId target) {
  if (round_exit_ != no_place) {
    a_.je(blocks_[target]);
    jump_to_stub(std::exchange(round_exit_, no_place));
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

/// Linked code knows its pc.
void Compiler::exit_goto(const Instr& instr) {
  count(uncounted_);
  const uint8_t link = link_of_block_[block_];
  if (link == ir::RunResult::no_link) return jump_to_stub(make_link(instr.imm, link));
  if (returns_to_) push_return(*returns_to_);
  const bool moves = unit_.relocatable && !stays_on_page(instr.imm);
  const uint32_t unlinked = make_link(moves ? instr.imm & ~ir::page_mask : instr.imm, link);
  if (moves) {
    load_constant(x86::rax, instr.imm & ir::page_mask);
    a_.add(unit_base(), x86::rax);
  }
  if (!unit_.counted && leads_back(instr.imm)) {
    look_for_events();
    jump_to_stub(CondCode::kNE, unlinked);
  }
  align_link(0);
  jump_to_stub(unlinked);
  unlinked_[link] = {unlinked, here_in_code(), stays_on_page(instr.imm)};
}

/// Finds the entry of the table of jumps, in rcx.
void Compiler::look_up_jump(const Gp& pc, uint32_t miss) {
  if (host_.bmi2) {
    a_.rorx(x86::ecx, pc.r32(), JumpTable::rotations[0]);
    a_.rorx(x86::eax, pc.r32(), JumpTable::rotations[1]);
  } else {
    a_.mov(x86::ecx, pc.r32());
    a_.ror(x86::ecx, JumpTable::rotations[0]);
    a_.mov(x86::eax, pc.r32());
    a_.ror(x86::eax, JumpTable::rotations[1]);
  }
  a_.xor_(x86::ecx, x86::eax);
  a_.and_(x86::ecx, static_cast<uint32_t>(JumpTable::offset_mask));
  a_.add(x86::rcx, x86::ptr(x86::rsp, Frame::jumps));
  a_.cmp(pc, x86::ptr(x86::rcx, offsetof(JumpTable::Entry, pc)));
  other_ways_.push_back({a_.newLabel(), pc, miss});
  a_.jne(other_ways_.back().begin);
}

/// Where pcs are not in their own entries. The thunk is told where to go if they are in none.
void Compiler::write_other_ways() {
  for (const auto& [begin, pc, miss] : other_ways_) {
    a_.bind(begin);
    a_.mov(x86::rdx, pc);
    constexpr uint8_t lea_rax[] = {0x48, 0x8d, 0x05, 0, 0, 0, 0};  // of the stub
    a_.embed(lea_rax, sizeof lea_rax);
    stub_jumps_.push_back({static_cast<uint32_t>(a_.offset()), miss});
    a_.jmp(x86::ptr(x86::rsp, Frame::thunk(Frame::other_ways), 8));
  }
}

void Compiler::exit_indirect(const Instr& instr) {
  const Gp pc = use(instr.arg[0]);
  count(uncounted_);
  const Op from = at(instr.arg[0]).op;
  const uint32_t miss = make_exit_to(pc);
  if (!JumpTables::has(unit_.mode) || from == Op::constant || from == Op::call) return jump_to_stub(miss);
  if (!unit_.counted) {
    look_for_events();
    jump_to_stub(CondCode::kNE, miss);
  }
  if (returns_to_) push_return(*returns_to_);
  if (unit_.relocatable) {
    a_.mov(x86::rax, pc);
    a_.and_(x86::rax, static_cast<int32_t>(ir::page_mask));
    a_.mov(unit_base(), x86::rax);
  }
  if (instr.imm != 0) jump_back(pc);
  look_up_jump(pc, miss);
  a_.jmp(x86::ptr(x86::rcx, offsetof(JumpTable::Entry, target), 8));
}

}  // namespace strata::codegen::x64

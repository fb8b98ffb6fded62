// Lowering of ways on and out, of calls, and of how far the state lags behind.
#include <algorithm>

#include "base/assert.h"
#include "codegen/interp/lowering.h"

namespace strata::codegen::interp {

using ir::Op;

/// Notes how far the state lags behind at the step to come, which may leave.
void Lowering::mark_exit() {
  Mark mark{.at = here(), .kind = Mark::done, .at_insn = at_insn_, .begun = begun_, .value = 0};
  mark.uncounted = static_cast<uint16_t>(uncounted_);
  if (pc_lags_) {
    const uint64_t distance = pc_ - unit_.guest_pc;
    mark.kind = fits(distance) ? Mark::near : Mark::far;
    mark.value = static_cast<int32_t>(mark.kind == Mark::near ? distance : far_pc(pc_));
  }
  const bool first = scratch_.marks.size() == first_mark_;
  if (first || !mark.same_but_for_place(scratch_.marks.back())) scratch_.marks.push_back(mark);
}

size_t Lowering::far_pc(uint64_t pc) {
  if (scratch_.far_pcs.empty() || scratch_.far_pcs.back() != pc) scratch_.far_pcs.push_back(pc);
  return scratch_.far_pcs.size() - 1;
}

void Lowering::begin_insn(uint64_t pc) {
  if (uncounted_ == Mark::most_uncounted) bring_up_to_date();
  pc_ = pc;
  pc_lags_ = true;
  at_insn_ = true;
  begun_ = true;
  ++uncounted_;
}

void Lowering::note_pc_set() { pc_lags_ = at_insn_ = false; }

void Lowering::bring_up_to_date(unsigned undone) {
  const auto done = static_cast<uint16_t>(uncounted_ - undone);
  if (pc_lags_) {
    Step step{.d = static_cast<uint16_t>(unit_.layout->slots[unit_.layout->pc].offset), .a = done};
    put_wide(step, pc_);
    emit(step, interp::bring_up_to_date());
  } else if (done != 0) {
    emit({.d = 1, .c = done}, jump());
  }
  pc_lags_ = false;
  uncounted_ = 0;
}

/// Whether something may look at the pc slot before the target sets it anew.
bool Lowering::wants_pc(ir::BlockId target) const {
  for (const Instr& instr : unit_.instrs(target)) {
    if (instr.op == Op::insn || instr.op == Op::exit_goto || instr.op == Op::exit_indirect) return false;
    const bool slot = instr.op == Op::get || instr.op == Op::set || instr.op == Op::drop;
    const bool computes =
        ir::has(instr.op, ir::Trait::pure) || instr.op == Op::nop || (slot && instr.imm != unit_.layout->pc);
    if (!computes) return true;
  }
  return true;
}

void Lowering::lower_terminator(const Instr& instr) {
  switch (instr.op) {
    case Op::jump: return lower_jump(instr);
    case Op::branch: return lower_branch(instr);
    case Op::exit: return lower_exit(instr);
    case Op::exit_goto: {
      Step step{.d = links_, .a = static_cast<uint16_t>(uncounted_)};
      links_ = static_cast<uint8_t>(std::min(links_ + 1, int{ir::RunResult::no_link}));
      put_wide(step, instr.imm);
      emit(step, exit_goto());
      return;
    }
    default: {  // exit_indirect
      const uint16_t pc = any_operand(instr.arg[0]);
      emit({.a = pc, .c = static_cast<uint16_t>(uncounted_)}, exit_indirect());
    }
  }
}

/// What a block knows when it is jumped to: whether the pc is that of an instruction not done yet. Where jumps disagree
/// it is taken to be done.
void Lowering::hand_on(ir::BlockId target) { scratch_.at_insn[target] &= static_cast<uint8_t>(at_insn_); }

void Lowering::lower_jump(const Instr& instr) {
  hand_on(instr.target[0]);
  if (pc_lags_ && wants_pc(instr.target[0])) bring_up_to_date();
  if (instr.target[0] == next_block_ && uncounted_ == 0 && !has_stub_) return;
  scratch_.jumps.push_back({here(), false, instr.target[0]});
  emit({.c = static_cast<uint16_t>(uncounted_)}, jump());
}

/// Whether what is left of the block is `set pc, constant; poll; jump`, as front ends end the rounds of loops. Nothing
/// is sunk there, and the pc need not be set where no event is.
bool Lowering::ends_in_polled_jump(const ir::Block& block) const {
  if (position_ + 3 != block.end) return false;
  const Instr &set = at(position_), &jump = at(position_ + 2);
  return set.op == Op::set && set.imm == unit_.layout->pc && at(set.arg[0]).op == Op::constant &&
         at(position_ + 1).op == Op::poll && jump.op == Op::jump && !wants_pc(jump.target[0]);
}

void Lowering::lower_polled_jump(const ir::Block& block) {
  const Instr &set = at(position_), &jump = at(block.end - 1);
  supersede_sunk(set.imm);
  at_insn_ = false;
  hand_on(jump.target[0]);
  scratch_.jumps.push_back({here(), false, jump.target[0]});
  Step step{.a = static_cast<uint16_t>(uncounted_)};
  put_wide(step, at(set.arg[0]).imm);
  emit(step, poll_and_jump());
}

void Lowering::lower_branch(const Instr& instr) {
  const ir::BlockId yes = instr.target[0], no = instr.target[1];
  hand_on(yes);
  hand_on(no);
  if (pc_lags_ && (wants_pc(yes) || wants_pc(no))) bring_up_to_date();
  const Instr& condition = at(instr.arg[0]);
  if (note_of(instr.arg[0]).fused && condition.op != Op::cond) return lower_compare_branch(condition, yes, no);
  Step step{.imm = static_cast<int32_t>(uncounted_)};
  if (note_of(instr.arg[0]).fused) {
    const Operand flags = operand(condition.arg[0]);
    step.a = flags.number;
    return emit_branch(step, branch_condition(condition.imm, flags.place), yes, no);
  }
  const Operand truth = operand(instr.arg[0]);
  step.a = truth.number;
  emit_branch(step, branch(truth.place), yes, no);
}

namespace {

/// c < x is the opposite of x <= c: a constant can stand right.
Op turned(Op op) {
  switch (op) {
    case Op::lt_u: return Op::le_u;
    case Op::le_u: return Op::lt_u;
    case Op::lt_s: return Op::le_s;
    default: return Op::lt_s;
  }
}

/// How x and y are related where `x op y`; or y and x, if `swapped`.
Relation relation_of(Op op, bool swapped) {
  switch (op) {
    case Op::eq: return Relation::eq;
    case Op::ne: return Relation::ne;
    case Op::lt_u: return swapped ? Relation::gt_u : Relation::lt_u;
    case Op::le_u: return swapped ? Relation::ge_u : Relation::le_u;
    case Op::lt_s: return swapped ? Relation::gt_s : Relation::lt_s;
    default: return swapped ? Relation::ge_s : Relation::le_s;
  }
}

}  // namespace

/// Where the step before computed the flags of the same two operands, and one way goes on right behind: makes the two
/// steps one.
bool Lowering::merge_with_flags(Op op, Width width, const Operand& a, const Operand& b, const Step& branch,
                                ir::BlockId yes, ir::BlockId no) {
  if (flags_step_.step == never || flags_step_.step + 1 != here() || width != flags_step_.width || has_stub_ ||
      !has_compare_and_branch())
    return false;
  if (yes != next_block_ && no != next_block_) return false;
  Step& flags = scratch_.steps.back();
  const bool same_imm = b.place != Place::imm || branch.imm == flags.imm;
  const bool straight = a == flags_step_.a && b == flags_step_.b && same_imm;
  const bool swapped = a == flags_step_.b && b == flags_step_.a;
  if (!straight && !swapped) return false;

  Relation relation = relation_of(op, swapped);
  if (yes == next_block_) {
    relation = opposite(relation);
    std::swap(yes, no);
  }
  const Operand &left = flags_step_.a, &right = flags_step_.b;
  Step step = branch;
  step.a = left.number;
  if (right.place != Place::imm) step.b = right.number;
  step.c = flags.d;
  step.handler = encode(compare_and_branch(relation, width, left.place, right.place));
  flags = step;
  scratch_.jumps.push_back({static_cast<uint16_t>(here() - 1), false, yes});
  return true;
}

void Lowering::lower_compare_branch(const Instr& compare, ir::BlockId yes, ir::BlockId no) {
  Op op = compare.op;
  Value left = compare.arg[0], right = compare.arg[1];
  if (op != Op::eq && op != Op::ne && is_imm(left)) {
    op = turned(op);
    std::swap(left, right);
    std::swap(yes, no);
  }
  const Operand a = operand(left);
  const Operand b = right_operand(right);
  Step step{.a = a.number, .b = b.number, .imm = static_cast<int32_t>(uncounted_)};
  if (b.place == Place::imm) {
    step.b = static_cast<uint16_t>(uncounted_);
    step.imm = static_cast<int32_t>(at(right).imm);
  }
  if (merge_with_flags(op, width_of(compare.type), a, b, step, yes, no)) return;
  emit_branch(step, branch_compare(op, width_of(compare.type), a.place, b.place), yes, no);
}

void Lowering::emit_branch(Step step, Handler handler, ir::BlockId yes, ir::BlockId no) {
  scratch_.jumps.push_back({here(), false, yes});
  scratch_.jumps.push_back({here(), true, no});
  emit(step, handler);
}

void Lowering::lower_exit(const Instr& instr) {
  const auto kind = static_cast<ir::ExitKind>(instr.kind);
  const bool fault = kind == ir::ExitKind::memory || kind == ir::ExitKind::trap;
  const bool undone = (fault && begun_) || (kind == ir::ExitKind::event && at_insn_);
  bring_up_to_date(undone ? 1 : 0);
  Step step{.d = instr.kind};
  put_wide(step, instr.imm);
  emit(step, exit_always());
}

void Lowering::lower_exit_if(const Instr& instr) {
  Step step{.d = instr.kind, .a = any_operand(instr.arg[0])};
  put_wide(step, instr.imm);
  emit(step, exit_if());
}

/// Helpers take all 8 bytes of a scalar; a vector's address must not be one that the helper changes as it goes.
uint16_t Lowering::call_operand(Value value, bool in_cell) {
  const Type type = type_of(value);
  const Operand found = operand(value);
  const bool vector = ir::bits(type) > 64;
  const bool clean = note_of(value).home.clean || note_of(value).home.kind == Home::constant;
  if (vector ? found.place == Place::cell || !in_cell : clean) return any_operand(value);
  const uint16_t cell = new_cell(vector ? 16 : cell_bytes);
  if (vector) {
    copy_vector(cell, any_operand(value));
  } else {
    emit({.d = cell, .a = found.number}, move(width_of(type), found.place, Dest::cell));
  }
  return cell;
}

void Lowering::lower_call(const Instr& instr) {
  const ir::Helper& helper = *unit_.helpers[instr.imm];
  const bool writes = helper.effect >= ir::HelperEffect::state;
  if (helper.effect != ir::HelperEffect::pure) bring_up_to_date();
  CallExtension extension{helper.function, 0, 0, helper.effect == ir::HelperEffect::may_exit, 0};
  Step step;
  uint16_t* const operands[] = {&step.a, &step.b, &step.c, &extension.fourth};
  const auto count = static_cast<unsigned>(helper.operands.size());
  for (unsigned i = 0; i < count; ++i) {
    *operands[i] = call_operand(instr.arg[i], writes);
    if (ir::bits(helper.operands[i]) > 64) extension.vectors |= static_cast<uint8_t>(1u << i);
  }
  const bool vector = ir::bits(helper.result) > 64;
  if (helper.result != Type::none) {
    step.d = new_cell(vector ? 16 : cell_bytes);
    scratch_.notes[position_].home = {Home::cell, ir::bits(helper.result) >= 64, step.d};
  }
  if (extension.may_exit) mark_exit();
  emit(step, call(count, helper.result == Type::none ? CallResult::none
                         : vector                    ? CallResult::vector
                                                     : CallResult::scalar));
  emit_data(extension);
}

}  // namespace strata::codegen::interp

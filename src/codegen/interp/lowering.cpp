// Lowering of units and blocks, and of what is done at exits only.
#include "codegen/interp/lowering.h"

#include <algorithm>

#include "base/assert.h"

namespace strata::codegen::interp {

Lowering::Lowering(const ir::Unit& unit, Scratch& scratch) : unit_(unit), scratch_(scratch) {
  STRATA_ASSERT(unit.code.size() <= ir::max_unit_size, "too much code in one unit for the interpreter");
  STRATA_ASSERT(unit.layout->size <= 0x10000, "the interpreter addresses 64 KiB of guest state");
  scratch.notes.assign(unit.code.size(), Note{});
  scratch.slots.resize(std::max(scratch.slots.size(), unit.layout->slots.size()));
  scratch.steps.clear();
  scratch.marks.clear();
  scratch.far_pcs.clear();
}

std::unique_ptr<Program> Lowering::run() {
  // In the order of the code: links are counted so.
  std::vector<ir::BlockId>& order = scratch_.order;
  order.resize(unit_.blocks.size());
  for (ir::BlockId id = 0; id < order.size(); ++id) order[id] = id;
  const auto before = [this](ir::BlockId a, ir::BlockId b) { return unit_.blocks[a].begin < unit_.blocks[b].begin; };
  if (!std::is_sorted(order.begin(), order.end(), before)) std::sort(order.begin(), order.end(), before);

  scratch_.starts.resize(order.size());
  scratch_.at_insn.assign(order.size(), 1);
  scratch_.at_insn[0] = 0;
  scratch_.jumps.clear();
  if (order[0] != 0) {  // programs begin with their first step
    scratch_.jumps.push_back({here(), false, 0});
    emit({}, jump());
  }
  for (size_t i = 0; i < order.size(); ++i) {
    next_block_ = i + 1 < order.size() ? order[i + 1] : never;
    lower_block(order[i]);
  }
  STRATA_ASSERT(scratch_.steps.size() < 0x8000, "too many steps in one unit");
  connect();
  const Program::Shape shape = {.guest_pc = unit_.guest_pc,
                                .pc_offset = unit_.layout->slots[unit_.layout->pc].offset,
                                .cells = most_cells_ + 2};  // steps without an operand may read cell 0
  return Program::make(shape, scratch_.steps, scratch_.marks, scratch_.far_pcs);
}

void Lowering::lower_block(ir::BlockId id) {
  const ir::Block& block = unit_.blocks[id];
  ++scratch_.block;
  has_stub_ = analyse(unit_, block, scratch_);
  flags_step_.step = never;
  scratch_.starts[id] = here();
  cells_ = 0;
  part_ = in_line;
  pc_lags_ = false;
  at_insn_ = scratch_.at_insn[id] != 0;
  uncounted_ = 0;
  begun_ = id != 0;
  if (has_stub_) scratch_.marks.push_back({.at = here(), .kind = Mark::stub, .value = 0});
  first_mark_ = scratch_.marks.size();
  for (position_ = block.begin; position_ < block.end; ++position_) {
    if (ends_in_polled_jump(block)) {
      lower_polled_jump(block);
      break;
    }
    lower_instr(unit_.code[position_], scratch_.notes[position_]);
  }
  if (has_stub_) lower_stub(block);
  most_cells_ = std::max(most_cells_, cells_);
}

void Lowering::lower_instr(const Instr& instr, Note& note) {
  if (ir::has(instr.op, ir::Trait::terminator)) return lower_terminator(instr);
  switch (instr.op) {
    case Op::nop: return;
    case Op::constant:
    case Op::vconstant: note.home.kind = Home::constant; return;
    case Op::get:
      if (note.last_use != 0) lower_get(instr, note);
      return;
    case Op::drop: return supersede_sunk(instr.imm);
    case Op::insn: supersede_sunk(unit_.layout->pc); return begin_insn(instr.imm);
    case Op::set:
      supersede_sunk(instr.imm);
      if (is_sunk(instr, note)) {
        note.from = here();
        scratch_.slot(instr.imm).open_sunk = position_;
      } else if (!note.done) {
        lower_set(instr);
      }
      if (instr.imm == unit_.layout->pc) note_pc_set();
      return;
    default: break;
  }
  const bool pure = is_pure(unit_, instr);
  if (is_sunk(instr, note) || note.fused || (pure && note.last_use == 0)) return;
  if (ir::has(instr.op, ir::Trait::may_exit)) mark_exit();
  lower_operation(instr);
}

void Lowering::supersede_sunk(uint64_t slot) {
  uint32_t& open = scratch_.slot(slot).open_sunk;
  if (open != never) scratch_.notes[open].until = here();
  open = never;
}

/// First all sunk values of the block, which are pure and so may be computed even where one of their operands was not
/// yet. Then the sunk sets, each of which asks where the program was left. In this order, for the values may be read
/// from slots that are set.
void Lowering::lower_stub(const ir::Block& block) {
  scratch_.marks[first_mark_ - 1].value = here();
  part_ = in_stub;
  for (position_ = block.begin; position_ < block.end; ++position_) {
    const Instr& instr = unit_.code[position_];
    const Note& note = scratch_.notes[position_];
    if (!is_sunk(instr, note) || note.last_use == 0 || note.home.kind == Home::constant) continue;
    if (instr.op == Op::set) {
      move_to_cell(instr.arg[0]);
    } else {
      lower_operation(instr);
    }
  }
  for (position_ = block.begin; position_ < block.end; ++position_) {
    const Instr& instr = unit_.code[position_];
    const Note& note = scratch_.notes[position_];
    if (instr.op != Op::set || !is_sunk(instr, note)) continue;
    lower_sunk_set(instr, note);
  }
  emit({}, &first_handler);
}

/// Gives a value that is found in a slot or in the IR a cell for the rest of the stub.
void Lowering::move_to_cell(Value value) {
  Note& note = note_of(value);
  if (note.home.kind == Home::constant) {
    if (!is_imm(value)) cell_of_constant(value);
  } else if (note.home.kind == Home::slot) {
    note.home = copy_of_slot(note.home.place, type_of(value));
  }
}

/// The value stands in a cell or is an imm.
void Lowering::lower_sunk_set(const Instr& instr, const Note& note) {
  const ir::Slot& slot = slot_of(instr);
  const Value value = instr.arg[0];
  Step step{.d = static_cast<uint16_t>(slot.offset), .b = note.from, .c = note.until};
  if (ir::bits(slot.type) > 64) {
    step.d = static_cast<uint16_t>(any_slot | slot.offset / cell_bytes);
    step.a = any_operand(value);
    emit(step, sunk_set_vector());
    return;
  }
  const Operand from = right_operand(value);
  step.a = from.number;
  if (from.place == Place::imm) step.imm = static_cast<int32_t>(at(value).imm);
  emit(step, sunk_set(width_of(slot.type), from.place));
}

/// Puts the distances into jumps, now that all blocks have their place.
void Lowering::connect() {
  for (const Jump& jump : scratch_.jumps) {
    const auto distance = static_cast<uint16_t>(scratch_.starts[jump.target] - jump.step);
    Step& step = scratch_.steps[jump.step];
    (jump.second ? step.c : step.d) = distance;
  }
}

}  // namespace strata::codegen::interp

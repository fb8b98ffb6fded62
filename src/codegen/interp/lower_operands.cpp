// Where the operands and results of steps stand.
#include "base/assert.h"
#include "codegen/interp/lowering.h"

namespace strata::codegen::interp {

uint16_t Lowering::new_cell(unsigned bytes) {
  if (bytes > cell_bytes) cells_ += cells_ & 1;
  const uint32_t cell = cells_;
  cells_ += bytes > cell_bytes ? 2 : 1;
  STRATA_ASSERT(cells_ <= max_cells);
  return static_cast<uint16_t>(cell);
}

/// A constant's cell, filled when first wanted in each part of a block's code.
Home Lowering::cell_of_constant(Value value) {
  const Instr& instr = at(value);
  Note& note = note_of(value);
  if (note.cached_in != part_) {
    note.cached_in = part_;
    note.cached = new_cell(ir::bits(instr.type) / 8);
    if (instr.op == Op::vconstant) {
      emit({.d = note.cached}, vector_constant());
      emit_data(unit_.vectors[instr.imm]);
    } else if (fits(instr.imm)) {
      emit({.d = note.cached, .imm = static_cast<int32_t>(instr.imm)}, move(Width::w64, Place::imm, Dest::cell));
    } else {
      Step step{.d = note.cached};
      put_wide(step, instr.imm);
      emit(step, wide_constant());
    }
  }
  return {Home::cell, true, note.cached};
}

Lowering::Operand Lowering::operand(Value value) {
  Home home = note_of(value).home;
  if (home.kind == Home::constant) home = cell_of_constant(value);
  STRATA_ASSERT(home.kind != Home::none, "a value that was not computed is wanted");
  return {home.kind == Home::slot ? Place::slot : Place::cell, home.place};
}

Lowering::Operand Lowering::right_operand(Value value) {
  return is_imm(value) ? Operand{Place::imm, 0} : operand(value);
}

bool Lowering::is_imm(Value value) const {
  const Instr& instr = at(value);
  return instr.op == Op::constant && (ir::bits(instr.type) <= 32 || fits(instr.imm));
}

uint16_t Lowering::any_operand(Value value) {
  const Operand found = operand(value);
  if (found.place == Place::cell) return found.number;
  if (found.number % cell_bytes == 0) return static_cast<uint16_t>(any_slot | found.number / cell_bytes);
  // A slot between. It is copied anew each time: an exit stub must not rely on a copy that was made behind the exit.
  const uint16_t cell = new_cell();
  emit({.d = cell, .a = found.number}, move(width_of(type_of(value)), Place::slot, Dest::cell));
  return cell;
}

Lowering::Result Lowering::result(bool any_place, unsigned bytes) {
  Note& note = scratch_.notes[position_];
  if (note.fold != never) {
    const Instr& set = unit_.code[note.fold];
    const ir::Slot& slot = slot_of(set);
    const unsigned slot_bytes = ir::bytes(slot.type);
    SlotNote& slot_note = scratch_.slot(set.imm);
    const bool whole = slot_bytes == cell_bytes && bytes <= cell_bytes;
    const bool same = slot_bytes == bytes && (bytes > cell_bytes || !any_place);
    if ((whole || same) && slot_note.wanted_until <= position_) {
      slot_note.wanted_until = note.last_use;
      note_of(note.fold).done = true;
      note.home = {Home::slot, whole, static_cast<uint16_t>(slot.offset)};
      return {whole || bytes > cell_bytes ? Dest::slot : Dest::low, static_cast<uint16_t>(slot.offset)};
    }
  }
  const uint16_t cell = new_cell(bytes);
  note.home = {Home::cell, true, cell};
  return {Dest::cell, cell};
}

}  // namespace strata::codegen::interp

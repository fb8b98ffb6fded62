// One walk from a block's end to its begin: how long values are wanted, and what can be folded into what.
#include <algorithm>

#include "codegen/interp/handlers.h"
#include "codegen/interp/notes.h"

namespace strata::codegen::interp {

bool gives_clean(ir::Op op) {
  using ir::Op;
  return op != Op::get && op != Op::constant && op != Op::trunc && op != Op::bitcast && op != Op::call;
}

namespace {

using ir::Instr;
using ir::Op;
using ir::Type;

class Analysis {
 public:
  Analysis(const ir::Unit& unit, const ir::Block& block, Scratch& scratch)
      : unit_(unit), block_(block), scratch_(scratch), notes_(scratch.notes.data()) {}

  bool run() {
    for (position_ = block_.end; position_-- > block_.begin;) look_at(unit_.code[position_], notes_[position_]);
    return has_sunk_sets_;
  }

 private:
  void look_at(const Instr& instr, Note& note) {
    switch (instr.op) {
      case Op::nop:
      case Op::constant:
      case Op::vconstant: break;
      case Op::get: look_at_get(scratch_.slot(instr.imm), note); break;
      case Op::set: look_at_set(instr, note); break;
      case Op::drop: {
        SlotNote& slot = scratch_.slot(instr.imm);
        slot.next_set = slot.next_write = position_;
        break;
      }
      case Op::insn: {
        SlotNote& pc = scratch_.slot(unit_.layout->pc);
        pc.next_set = pc.next_write = position_;
        break;
      }
      default:
        if (is_sunk(instr, note)) {
          if (note.last_use != 0) use_sunk(instr, note.last_use);
        } else {
          look_at_operation(instr, note);
        }
    }
  }

  void look_at_get(SlotNote& slot, Note& note) {
    note.copied = note.last_use > std::min(slot.next_write, next_state_call_);
    slot.next_get = position_;
  }

  void look_at_set(const Instr& instr, Note& note) {
    SlotNote& slot = scratch_.slot(instr.imm);
    note.awake = slot.next_set == never;  // nothing in this block supersedes it: then it is done where it stands
    if (is_sunk(instr, note)) {
      has_sunk_sets_ = true;
      note.last_use = slot.next_set;
      use_sunk(instr, note.last_use);
    } else {
      note.fold = std::min(slot.next_write, next_state_call_);
      use(instr.arg[0], position_, Role::other);
      notes_[instr.arg[0]].fold = position_;
      slot.next_write = position_;
    }
    slot.next_set = position_;
  }

  void look_at_operation(const Instr& instr, Note& note) {
    const bool pure = is_pure(unit_, instr);
    if (pure && note.last_use == 0) return;
    if (note.fold != never && !may_fold(note)) note.fold = never;
    if (pure && note.roles != 0) note.fused = fuse(instr, note);
    if (!note.fused) use_operands(instr, note);

    if (instr.op == Op::call && !pure) {
      next_observer_ = position_;
      if (unit_.helpers[instr.imm]->effect >= ir::HelperEffect::state) next_state_call_ = position_;
    } else if (ir::has(instr.op, ir::Trait::may_exit)) {
      next_observer_ = position_;
    }
  }

  /// Whether the set that wants this value may be done here already: nobody can see the difference, and the value can
  /// be read back from the slot for as long as it is wanted.
  bool may_fold(const Note& note) {
    const uint32_t set = note.fold;
    const uint64_t id = unit_.code[set].imm;
    const SlotNote& slot = scratch_.slot(id);
    return id != unit_.layout->pc && next_observer_ > set && slot.next_write == set && slot.next_get > set &&
           note.last_use <= notes_[set].fold;
  }

  void use_operands(const Instr& instr, const Note& note) {
    switch (instr.op) {
      case Op::load: use(instr.arg[0], position_, address_role(instr.type)); break;
      case Op::store:
        use(instr.arg[0], position_, address_role(instr.type));
        use(instr.arg[1], position_, Role::other);
        break;
      case Op::branch: use(instr.arg[0], position_, Role::condition); break;
      case Op::trunc:
      case Op::bitcast:  // mostly another name for the same place
        use(instr.arg[0], note.last_use, Role::other);
        break;
      case Op::zext:
        if (gives_clean(unit_.code[instr.arg[0]].op)) {
          use(instr.arg[0], note.last_use, Role::other);
          notes_[instr.arg[0]].fold = std::min(notes_[instr.arg[0]].fold, note.fold);
        } else {
          use(instr.arg[0], position_, Role::other);
        }
        break;
      default: use_all(instr, position_);
    }
  }

  static uint8_t address_role(Type type) { return type == Type::v128 ? Role::vector_address : Role::address; }

  /// Whether all users of a value can do its computation on the way; then its operands are wanted by them.
  bool fuse(const Instr& instr, const Note& note) {
    if (note.roles == Role::condition && (is_compare(instr.op) || instr.op == Op::cond)) {
      use_all(instr, note.last_use);
      return true;
    }
    if (instr.type != Type::i64) return false;
    if (instr.op == Op::shl && note.roles == Role::index && is_scale(instr.arg[1])) {
      use(instr.arg[0], note.last_use, Role::other);
      return true;
    }
    if (instr.op != Op::add || (note.roles & ~(Role::address | Role::vector_address | Role::inner))) return false;
    return unit_.code[instr.arg[1]].op == Op::constant ? fuse_displacement(instr, note) : fuse_sum(instr, note);
  }

  bool fuse_displacement(const Instr& instr, const Note& note) {
    if ((note.roles & Role::inner) || !fits(unit_.code[instr.arg[1]].imm)) return false;
    use(instr.arg[0], note.last_use, note.roles == Role::address ? Role::inner : Role::other);
    return true;
  }

  bool fuse_sum(const Instr& instr, const Note& note) {
    if (note.roles != Role::address && note.roles != Role::inner) return false;
    const bool left = is_index(instr.arg[0]);
    use(instr.arg[0], note.last_use, left ? Role::index : Role::other);
    use(instr.arg[1], note.last_use, left ? Role::other : Role::index);
    return true;
  }

  bool is_index(ir::Value value) const {
    const Instr& instr = unit_.code[value];
    return instr.op == Op::shl && instr.type == Type::i64 && is_scale(instr.arg[1]);
  }
  bool is_scale(ir::Value value) const {
    const Instr& count = unit_.code[value];
    return count.op == Op::constant && count.imm <= 3;
  }

  void use_all(const Instr& instr, uint32_t position) {
    const unsigned count = operand_count(unit_, instr);
    for (unsigned i = 0; i < count; ++i) use(instr.arg[i], position, Role::other);
  }

  void use_sunk(const Instr& instr, uint32_t position) {
    const unsigned count = operand_count(unit_, instr);
    for (unsigned i = 0; i < count; ++i) {
      Note& note = notes_[instr.arg[i]];
      note.last_use = std::max(note.last_use, position);
      note.roles |= Role::other;
    }
  }

  void use(ir::Value value, uint32_t position, uint8_t role) {
    Note& note = notes_[value];
    note.awake = true;
    note.last_use = std::max(note.last_use, position);
    note.roles |= role;
  }

  const ir::Unit& unit_;
  const ir::Block& block_;
  Scratch& scratch_;
  Note* notes_;
  uint32_t position_ = 0;
  bool has_sunk_sets_ = false;
  uint32_t next_observer_ = never;    ///< the next instruction that may leave the unit, or call what reads the state
  uint32_t next_state_call_ = never;  ///< the next call that may write the state
};

}  // namespace

bool analyse(const ir::Unit& unit, const ir::Block& block, Scratch& scratch) {
  return Analysis(unit, block, scratch).run();
}

}  // namespace strata::codegen::interp

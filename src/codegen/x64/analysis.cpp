// One walk from a block's end to its begin: how long values are wanted, and what is computed by its users.
#include <algorithm>

#include "codegen/x64/notes.h"
#include "codegen/x64/registers.h"

namespace strata::codegen::x64 {

namespace {

using ir::Instr;
using ir::Op;
using ir::Type;

class Analysis {
 public:
  Analysis(const ir::Unit& unit, const ir::Block& block, const Homes& homes, Scratch& scratch)
      : unit_(unit), block_(block), homes_(homes), scratch_(scratch), notes_(scratch.notes.data()) {}

  void run() {
    scratch_.exits.clear();
    scratch_.accesses.clear();
    for (position_ = block_.end; position_-- > block_.begin;) look_at(unit_.code[position_], notes_[position_]);
  }

 private:
  void look_at(const Instr& instr, Note& note) {
    switch (instr.op) {
      case Op::nop:
      case Op::constant:
      case Op::vconstant: break;
      case Op::get: look_at_get(instr, note); break;
      case Op::set: look_at_set(instr, note); break;
      case Op::drop: look_at_drop(instr); break;
      case Op::insn: set_next(scratch_.slot(unit_.layout->pc)); break;
      default:
        if (is_sunk(instr, note)) {
          if (note.last_use != 0) use_sunk(instr, note.last_use);
        } else if (!is_pure(unit_, instr) || note.last_use != 0) {
          look_at_operation(instr, note);
        }
    }
  }

  void look_at_get(const Instr& instr, Note& note) {
    if (note.last_use == 0) return;
    if (note.fold != never && !may_fold(note.fold)) note.fold = never;
    if (instr.imm == unit_.layout->flags) {
      const bool in_place = (note.roles & ~(Role::flags | Role::merged | Role::sunk)) == 0;
      note.fused = in_place && note.last_use <= (note.roles == Role::sunk ? next_flags_set_ : next_flags_write_);
    } else if ((note.roles & ~Role::sunk) == Role::right) {
      const bool word = unit_.layout->slots[instr.imm].type == Type::i64;
      const bool stays = instr.imm != unit_.layout->pc && !has_home(instr.imm);
      note.fused = word && stays && note.last_use <= std::min(scratch_.slot(instr.imm).next_write, next_call_);
    } else if (note.roles == Role::lane && homes_.vectors.of(instr.imm) < 0) {
      note.fused = note.last_use <= std::min(scratch_.slot(instr.imm).next_write, next_call_);
    }
    scratch_.slot(instr.imm).next_get = position_;
  }

  void look_at_operation(const Instr& instr, Note& note) {
    const bool pure = is_pure(unit_, instr);
    const bool leaves = instr.op == Op::call && unit_.helpers[instr.imm]->effect == ir::HelperEffect::may_exit;
    if (note.fold != never && (leaves || !may_fold(note.fold))) note.fold = never;
    if (pure) note.fused = fuse(instr, note);
    if (!note.fused && is_second_result(instr.op) && note.awake) compute_early(instr, note);
    if (note.fold != never) {
      if (note.roles == Role::flags_slot && note.fold == note.last_use) make_direct(instr, note);
      if (instr.op == Op::vinsert) make_lane_direct(instr, note);
      if (instr.op == Op::vzext && is_float_load(instr.arg[0])) hand_on_fold(instr.arg[0], note);
    }
    if (!note.fused && !note.direct && !note.early) {
      if (is_flags(instr.op)) use_flags_operands(instr, note);
      else use_operands(instr);
    }
    if (instr.op == Op::zext) hand_on_fold(instr.arg[0], note);
    const bool calls = instr.op == Op::call && !pure;
    if (calls) next_flags_set_ = next_flags_write_ = next_call_ = position_;
    if (ir::has(instr.op, ir::Trait::may_exit)) scratch_.exits.push_back(position_);
    if (calls || instr.op == Op::load || instr.op == Op::store) scratch_.accesses.push_back(position_);
    if (calls || ir::has(instr.op, ir::Trait::may_exit)) next_observer_ = position_;
  }

  /// Flags that only the flags slot wants go there at once: those of an operation, and those merged into what the slot
  /// holds, or where they are a counter's, with a carry.
  void make_direct(const Instr& instr, Note& note) {
    const Instr* fresh = &instr;
    ir::Value carry = ir::no_value;
    if (instr.op == Op::flags_merge) {
      const Instr& old = unit_.code[instr.arg[0]];
      fresh = &unit_.code[instr.arg[1]];
      if (notes_[instr.arg[1]].last_use != 0 || fresh->sunk) return;
      if (counts_by_one(unit_, instr)) carry = carry_in(unit_, instr.arg[0]);
      if (carry == ir::no_value && (old.op != Op::get || old.imm != unit_.layout->flags)) return;
    }
    if (!is_flags(fresh->op)) return;
    note.direct = true;
    if (const ir::Value counter = find_counter(instr, *fresh, carry); counter != ir::no_value)
      return count_early(counter, instr, note, carry);
    next_flags_write_ = position_;
    if (carry != ir::no_value) use(carry, position_, Role::condition);
    if (fresh != &instr) {
      use(instr.arg[0], position_, Role::merged);
      use(instr.arg[1], position_, Role::merged);
    }
    use_flags_operands(*fresh, fresh == &instr ? note : notes_[instr.arg[1]]);
  }

  /// Of a counter's flags, what counts: it may make the flags, for nothing in between is in the way; no_value: there is
  /// none.
  ir::Value find_counter(const Instr& merge, const Instr& fresh, ir::Value carry) const {
    if (merge.op != Op::flags_merge || !counts_by_one(unit_, merge) || ir::bits(fresh.type) < 32) return ir::no_value;
    constexpr uint32_t farthest = 8;
    uint32_t end = position_;
    if (merge.arg[0] == end - 1 && notes_[end - 1].last_use == 0) --end;  // the flags as they were
    for (uint32_t i = end; i-- > block_.begin && end - i <= farthest;) {
      const Instr& instr = unit_.code[i];
      if (is_producer(fresh, instr, i)) {
        const bool carry_is_there = carry == ir::no_value || carry < i || unit_.code[carry].op == Op::constant;
        return carry_is_there && !instr.sunk ? i : ir::no_value;
      }
      if (!keeps_host_flags(instr) && &instr != &fresh) return ir::no_value;
    }
    return ir::no_value;
  }

  void count_early(ir::Value counter, const Instr& merge, Note& note, ir::Value carry) {
    note.early = true;
    notes_[counter].counts = position_;
    notes_[counter].sets_flags = true;
    next_flags_write_ = counter;
    use(counter, counter, Role::other);
    if (carry != ir::no_value) use(carry, counter, Role::condition);
    else use(merge.arg[0], counter, Role::merged);
  }

  /// The operand may be computed where the result ends up, for that is all there is to it.
  void hand_on_fold(ir::Value operand, const Note& note) {
    uint32_t& fold = notes_[operand].fold;
    fold = std::min(fold, note.fold);
  }

  /// Which has zeros above it.
  bool is_float_load(ir::Value value) const {
    return unit_.code[value].op == Op::load && unit_.code[value].type >= Type::f32;
  }

  /// Whether a float of the lowest lane is computed by instructions that leave the other lanes alone.
  static bool keeps_other_lanes(Op op) {
    return (op >= Op::fadd && op <= Op::fmax) || op == Op::fconvert || op == Op::int_to_float;
  }

  /// A lane put into what the slot holds anyway. In a home it is the lowest one: others are put there without this.
  void make_lane_direct(const Instr& instr, Note& note) {
    const uint64_t slot = unit_.code[note.fold].imm;
    const Instr& old = unit_.code[instr.arg[0]];
    if (instr.lane < ir::Lane::f32 || old.op != Op::get || old.imm != slot) return;
    const bool home = homes_.vectors.of(slot) >= 0;
    if (home ? instr.imm != 0 : note.fold != note.last_use || note.roles != Role::set) return;
    for (uint32_t i = instr.arg[0]; i < position_; ++i) {
      const Instr& between = unit_.code[i];
      const bool sets = between.op == Op::set && between.imm == slot;
      if (sets || sees_state(unit_, between)) return;
    }
    note.direct = true;
    use(instr.arg[1], position_, Role::other);
    if (!home) scratch_.slot(slot).next_write = position_;
    else if (keeps_other_lanes(unit_.code[instr.arg[1]].op)) hand_on_fold(instr.arg[1], note);
  }

  static bool is_second_result(Op op) { return op == Op::carry_adc || op == Op::carry_sbb || op == Op::mulhi_u; }

  /// Where the host has both at once: the carry with its sum, the high half with the low one.
  void compute_early(const Instr& instr, Note& note) {
    constexpr uint32_t farthest = 96;
    for (uint32_t i = position_; i-- > block_.begin && position_ - i <= farthest;) {
      const Instr& first = unit_.code[i];
      if (is_first_result(first, instr)) {
        if (notes_[i].also != never || is_sunk(first, notes_[i])) return;
        note.early = true;
        notes_[i].also = position_;
        return use(i, i, Role::other);
      }
      if (instr.op == Op::mulhi_u && first.op != Op::constant) return;  // its home may be wanted on the way
    }
  }

  bool is_first_result(const Instr& first, const Instr& second) const {
    if (first.type != second.type || first.arg[0] != second.arg[0] || first.arg[1] != second.arg[1]) return false;
    switch (second.op) {
      case Op::mulhi_u: return first.op == Op::mul && unit_.code[first.arg[1]].op != Op::constant;
      case Op::carry_sbb: return first.op == Op::sbb && first.arg[2] == second.arg[2];
      default:
        if (first.op == Op::adc) return first.arg[2] == second.arg[2];
        return first.op == Op::add && is_clear(second.arg[2]);
    }
  }
  bool is_clear(ir::Value truth) const { return unit_.code[truth].op == Op::constant && unit_.code[truth].imm == 0; }

  static bool is_flags(Op op) { return op >= Op::flags_add && op <= Op::flags_logic; }

  /// Where the operation itself has just been done, nothing is wanted but its flags.
  void use_flags_operands(const Instr& instr, Note& note) {
    uint32_t wanted_at = position_;
    const bool elsewhere = (note.roles & Role::merged) != 0;  // done anew by the merge
    if (const ir::Value producer = elsewhere ? ir::no_value : find_producer(instr); producer != ir::no_value) {
      notes_[producer].sets_flags = note.after = true;
      if (instr.op == Op::flags_logic) return;
      wanted_at = producer;
    }
    if (instr.op == Op::flags_logic) return use(instr.arg[0], wanted_at, Role::zero);
    constexpr uint16_t of_producer[] = {Role::other, Role::right, Role::condition};
    for (unsigned i = 0; i < ir::info(instr.op).operands; ++i)
      use(instr.arg[i], wanted_at, wanted_at != position_ ? of_producer[i] : Role::other);
  }

  /// The instruction behind which the host's flags are those of `flags`, and still are here; no_value: there is none.
  ir::Value find_producer(const Instr& flags) const {
    constexpr uint32_t farthest = 8;
    if (ir::bits(flags.type) < 32) return ir::no_value;
    for (uint32_t i = position_; i-- > block_.begin && position_ - i <= farthest;) {
      const Instr& instr = unit_.code[i];
      if (is_producer(flags, instr, i)) {
        const Note& note = notes_[i];
        const bool done =
            note.awake && (note.roles & ~(Role::address | Role::cut | Role::inner | Role::index | Role::zero)) != 0;
        return done ? i : ir::no_value;
      }
      if (!keeps_host_flags(instr)) return ir::no_value;
    }
    return ir::no_value;
  }

  bool is_producer(const Instr& flags, const Instr& instr, ir::Value its) const {
    if (instr.type != flags.type) return false;
    if (flags.op == Op::flags_logic) {
      const bool logic = instr.op == Op::and_ || instr.op == Op::or_ || instr.op == Op::xor_;
      return logic && flags.arg[0] == its && !(instr.op == Op::and_ && is_low_half(instr.arg[1]));
    }
    const bool same = flags.arg[0] == instr.arg[0] && flags.arg[1] == instr.arg[1];
    if (!same) return false;
    switch (flags.op) {
      case Op::flags_sub: return instr.op == Op::sub;
      case Op::flags_add: return instr.op == Op::add;
      case Op::flags_sbb: return instr.op == Op::sbb && flags.arg[2] == instr.arg[2];
      default: return instr.op == Op::adc && flags.arg[2] == instr.arg[2];
    }
  }

  bool keeps_host_flags(const Instr& instr) const {
    switch (instr.op) {
      case Op::nop:
      case Op::constant:
      case Op::zext:
      case Op::insn: return true;
      case Op::get:
      case Op::set: return instr.imm != unit_.layout->flags && slot_is_integer(instr.imm);
      default: return false;
    }
  }
  bool slot_is_integer(uint64_t slot) const { return unit_.layout->slots[slot].type <= Type::i64; }

  /// Whether the set that wants this value may be done here already, as nobody can see the difference.
  bool may_fold(uint32_t set) {
    const SlotNote& slot = scratch_.slot(unit_.code[set].imm);
    return next_observer_ > set && slot.next_write == set && slot.next_get > set;
  }

  void look_at_set(const Instr& instr, Note& note) {
    SlotNote& slot = scratch_.slot(instr.imm);
    // Where nothing in this block supersedes it, it is done where it stands; and where its value is computed anyway and
    // has a home, for then no register need keep it for exits.
    note.awake = slot.next_set == never || (notes_[instr.arg[0]].awake && has_home(instr.imm));
    if (is_sunk(instr, note)) {
      note.last_use = last_look(slot);
      use_sunk(instr, note.last_use);
    } else if (instr.imm == unit_.layout->pc && is_told_pc(unit_, instr.arg[0])) {
      slot.next_write = position_;
    } else {
      const bool flags = instr.imm == unit_.layout->flags;
      if (flags) next_flags_set_ = next_flags_write_ = position_;
      use(instr.arg[0], position_, flags ? Role::flags_slot : Role::set);
      notes_[instr.arg[0]].fold = position_;
      slot.next_write = position_;
    }
    set_next(slot);
  }

  void set_next(SlotNote& slot) {
    slot.next_set = position_;
    slot.exits_behind = static_cast<uint32_t>(scratch_.exits.size());
  }

  /// Where the last exit looks that wants what a sunk set owes. A load has looked before it gives its result.
  uint32_t last_look(const SlotNote& slot) const {
    if (slot.exits_behind == scratch_.exits.size()) return position_;  // none does
    const uint32_t exit = scratch_.exits[slot.exits_behind];
    return unit_.code[exit].op == Op::load ? exit : exit + 1;
  }

  void look_at_drop(const Instr& instr) {
    SlotNote& slot = scratch_.slot(instr.imm);
    set_next(slot);
    slot.next_write = position_;
    if (instr.imm == unit_.layout->flags) next_flags_set_ = next_flags_write_ = position_;
  }

  bool has_home(uint64_t slot) const { return homes_.general.of(slot) >= 0; }

  void use_operands(const Instr& instr) {
    const unsigned count = operand_count(unit_, instr);
    for (unsigned i = 0; i < count; ++i) {
      const bool carry = i == 2 && takes_carry(instr.op);
      const uint16_t second = i == 1 && takes_memory(instr.op) ? Role::right : Role::other;
      use(instr.arg[i], position_, i == 0 ? first_role(instr) : carry ? Role::condition : second);
    }
  }

  static bool takes_memory(Op op) {
    return op == Op::add || op == Op::sub || op == Op::adc || op == Op::sbb || op == Op::and_ || op == Op::or_ ||
           op == Op::xor_;
  }

  uint16_t first_role(const Instr& instr) const {
    const Op op = instr.op;
    if (op == Op::cond) return Role::flags;
    if (op == Op::vextract) return Role::lane;
    if (op == Op::load || op == Op::store || op == Op::fstack_memory || is_atomic(op)) return Role::address;
    if (op == Op::branch || op == Op::exit_if || op == Op::select) return Role::condition;
    if (op == Op::and_ && instr.type == Type::i64 && is_low_half(instr.arg[1])) return Role::cut;
    return Role::other;
  }

  /// Whether all users of a value do its computation on the way; then its operands are wanted by them.
  bool fuse(const Instr& instr, const Note& note) {
    if (note.roles == Role::merged) return true;
    if (note.roles == Role::condition && (is_compare(instr.op) || instr.op == Op::cond)) {
      const uint16_t role = instr.op == Op::cond ? Role::flags : is_zero_test(instr) ? Role::zero : Role::other;
      const uint32_t until = instr.op == Op::cond ? note.last_use : compared_until(instr, note);
      for (unsigned i = 0; i < ir::info(instr.op).operands; ++i) use(instr.arg[i], until, role);
      return true;
    }
    if (instr.op == Op::and_ && note.roles == Role::zero) {  // a test of bits
      for (const ir::Value operand : {instr.arg[0], instr.arg[1]}) use(operand, note.last_use, Role::other);
      return true;
    }
    if (instr.type != Type::i64) return false;
    if (instr.op == Op::shl && note.roles == Role::index && is_scale(instr.arg[1])) {
      use(instr.arg[0], note.last_use, Role::other);
      return true;
    }
    if (instr.op == Op::and_ && note.roles == Role::address && is_low_half(instr.arg[1])) {
      use(instr.arg[0], note.last_use, Role::cut);
      return true;
    }
    if ((note.roles & ~(Role::address | Role::cut | Role::inner)) != 0) return false;
    if (is_displaced(unit_, instr)) return fuse_displacement(instr, note);
    return instr.op == Op::add && unit_.code[instr.arg[1]].op != Op::constant && fuse_sum(instr, note);
  }

  /// The first of its users compares; to the others that is enough where the host's flags stay as they are until then.
  uint32_t compared_until(const Instr& compare, const Note& note) const {
    const Op left = unit_.code[compare.arg[0]].op;
    if (ir::bits(compare.type) < 32 || left == Op::constant || left == Op::and_) return note.last_use;
    const Instr& last = unit_.code[note.last_use];
    const bool takes_flags = last.op == Op::branch || (takes_carry(last.op) && last.arg[2] == position_);
    if (!takes_flags && !selects_by_it(note.last_use)) return note.last_use;
    uint32_t first = position_ + 1;
    while (first < note.last_use && !selects_by_it(first)) ++first;
    for (uint32_t i = first + 1; i < note.last_use; ++i)
      if (!selects_by_it(i) && !moves_only(unit_.code[i], notes_[i])) return note.last_use;
    return first;
  }
  bool selects_by_it(uint32_t position) const {
    const Instr& instr = unit_.code[position];
    const bool by_it = instr.op == Op::select && instr.arg[0] == position_ && notes_[position].last_use != 0;
    return by_it && instr.type >= Type::i8 && instr.type <= Type::i64;
  }

  /// Whether nothing, or only moves are made of it.
  bool moves_only(const Instr& instr, const Note& note) const {
    const auto is_word = [](Type type) { return type >= Type::i8 && type <= Type::i64; };
    switch (instr.op) {
      case Op::nop:
      case Op::constant:
      case Op::insn:
      case Op::drop: return true;
      case Op::get:
      case Op::set:
        return instr.imm != unit_.layout->flags && instr.imm != unit_.layout->pc && slot_is_integer(instr.imm);
      case Op::trunc: return is_word(instr.type);
      case Op::zext: return is_word(instr.type) && is_word(ir::result_type(unit_, unit_.code[instr.arg[0]]));
      default: return is_sunk(instr, note) || note.fused || note.early || (is_pure(unit_, instr) && note.last_use == 0);
    }
  }

  bool fuse_displacement(const Instr& instr, const Note& note) {
    if ((note.roles & Role::inner) != 0) return false;
    use(instr.arg[0], note.last_use, Role::inner);
    return true;
  }

  bool fuse_sum(const Instr& instr, const Note& note) {
    const bool left = is_index(instr.arg[0]);
    use(instr.arg[0], note.last_use, left ? Role::index : Role::other);
    use(instr.arg[1], note.last_use, left ? Role::other : Role::index);
    return true;
  }

  bool is_zero_test(const Instr& instr) const {
    const Instr& right = unit_.code[instr.arg[1]];
    return (instr.op == Op::eq || instr.op == Op::ne) && right.op == Op::constant && right.imm == 0;
  }
  bool is_low_half(ir::Value mask) const {
    const Instr& constant = unit_.code[mask];
    return constant.op == Op::constant && constant.imm == 0xffff'ffff;
  }
  bool is_index(ir::Value value) const {
    const Instr& instr = unit_.code[value];
    return instr.op == Op::shl && instr.type == Type::i64 && is_scale(instr.arg[1]);
  }
  bool is_scale(ir::Value value) const {
    const Instr& count = unit_.code[value];
    return count.op == Op::constant && count.imm <= 3;
  }

  void use_sunk(const Instr& instr, uint32_t position) {
    const unsigned count = operand_count(unit_, instr);
    for (unsigned i = 0; i < count; ++i) {
      Note& note = notes_[instr.arg[i]];
      note.last_use = std::max(note.last_use, position);
      note.roles |= Role::sunk;
    }
  }

  void use(ir::Value value, uint32_t position, uint16_t role) {
    Note& note = notes_[value];
    note.awake = true;
    note.last_use = std::max(note.last_use, position);
    note.last_need = std::max(note.last_need, position);
    note.roles |= role;
  }

  const ir::Unit& unit_;
  const ir::Block& block_;
  const Homes& homes_;
  Scratch& scratch_;
  Note* notes_;
  uint32_t position_ = 0;
  uint32_t next_flags_set_ = never;    ///< the next set of the flags slot or call that may set it
  uint32_t next_flags_write_ = never;  ///< where the slot gets what that sets
  uint32_t next_call_ = never;         ///< the next call that may set slots
  uint32_t next_observer_ = never;     ///< the next instruction that may leave the unit, or call what sees the state
};

}  // namespace

bool counts_by_one(const ir::Unit& unit, const ir::Instr& merge) {
  const ir::Instr& fresh = unit.code[merge.arg[1]];
  const bool sum = fresh.op == Op::flags_add || fresh.op == Op::flags_sub;
  if (!sum || merge.imm != (ir::Flag::all & ~ir::Flag::carry)) return false;
  const ir::Instr& right = unit.code[fresh.arg[1]];
  return right.op == Op::constant && right.imm == 1;
}

ir::Value carry_in(const ir::Unit& unit, ir::Value flags) {
  const ir::Instr& instr = unit.code[flags];
  if (instr.op == Op::constant) return flags;
  const bool carry = instr.op == Op::zext && ir::result_type(unit, unit.code[instr.arg[0]]) == ir::Type::i1;
  return carry ? instr.arg[0] : ir::no_value;
}

void analyse(const ir::Unit& unit, const ir::Block& block, const Homes& homes, Scratch& scratch) {
  Analysis(unit, block, homes, scratch).run();
  find_neighbours(unit, scratch);
}

}  // namespace strata::codegen::x64

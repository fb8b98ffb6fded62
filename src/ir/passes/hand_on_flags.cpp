// Has flags set by the blocks behind a branch in place of the one in front, where that spares setting them.
#include <algorithm>

#include "ir/passes/formula.h"
#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

/// A block's flags are handed on where all blocks behind it take them, and one takes flags where all in front hand on
/// the same.
class HandingOn {
 public:
  explicit HandingOn(Unit& unit) : unit_(unit) {}

  void run() {
    BlockId first = 0;
    while (first < unit_.blocks.size() && !may_gain(first)) ++first;
    if (first == unit_.blocks.size()) return;  // most units
    notes_.resize(unit_.blocks.size());
    bool any = describe(first);
    for (BlockId id = first + 1; id < notes_.size(); ++id) any |= may_gain(id) && describe(id);
    if (!any) return;
    for (BlockId id = 0; id < notes_.size(); ++id) look_for_loop(id);
    settle();
    while (drop_useless()) settle();
    if (std::any_of(notes_.begin(), notes_.end(), [](const Note& note) { return note.hands_on; })) rewrite();
  }

 private:
  static constexpr BlockId nowhere = ~BlockId{0};
  static constexpr uint32_t longest_copy = 64;  ///< instructions of a loop's first block

  enum class First : uint8_t { unknown, other, set_behind_exits, set };  ///< what a block does with the flags first
  struct Note {
    std::optional<Formula> flags;  ///< that the block sets last, if nothing looks at them but what follows
    uint32_t set = 0;              ///< where it sets them
    bool hands_on = false;
    First first = First::unknown;
    BlockId goes_on = nowhere;  ///< at the end of a loop's round: the loop's first block, of which a copy follows
  };

  const Instr& last(BlockId id) const { return unit_.code[unit_.blocks[id].end - 1]; }
  bool is_flags(const Instr& instr, Op op) const { return instr.op == op && instr.imm == unit_.layout->flags; }

  /// In the code, but for a way out of the unit. That is taken to be what runs most often behind a branch.
  bool follows(BlockId id, BlockId target) const {
    const uint32_t begin = unit_.blocks[target].begin;
    uint32_t at = unit_.blocks[id].end;
    if (at == begin) return true;
    while (at < begin && unit_.code[at].op == Op::constant) ++at;  // nobody's, as front ends leave them
    return at + 1 == begin && unit_.code[at].op == Op::exit_goto;
  }

  /// Whether the block that follows may set other flags first, or a loop's round behind this one.
  bool may_gain(BlockId id) const {
    const Instr& end = last(id);
    if (end.op != Op::branch || end.target[0] == 0 || end.target[1] == 0) return false;
    return std::any_of(std::begin(end.target), std::end(end.target), [&](BlockId target) {
      return ends_round(target) || (follows(id, target) && find_first(target, 1) == First::set);
    });
  }

  bool describe(BlockId id) {
    const Block& block = unit_.blocks[id];
    for (uint32_t i = block.end - 1; i-- > block.begin;) {
      const Instr& instr = unit_.code[i];
      if (is_flags(instr, Op::set)) {
        Note& note = notes_[id];
        note.set = i;
        note.flags = Formula::of(unit_, block, instr.arg[0]);
        return note.hands_on = note.flags.has_value();
      }
      const bool looks = is_flags(instr, Op::get) || has(instr.op, Trait::may_exit) || sees_state(unit_, instr);
      if (looks) return false;
    }
    return false;
  }

  /// Front ends read flags that nobody wants then.
  bool is_used(Value value, const Block& block) const {
    const auto uses = [&](const Instr& instr) {
      return std::find(std::begin(instr.arg), std::end(instr.arg), value) != std::end(instr.arg);
    };
    return std::any_of(&unit_.code[value] + 1, &unit_.code[block.end - 1] + 1, uses);
  }

  /// Looks no further than to the exit of that number.
  First find_first(BlockId id, uint32_t last_exit) const {
    const Block& block = unit_.blocks[id];
    uint32_t exits = 0;
    for (uint32_t i = block.begin; i < block.end; ++i) {
      const Instr& instr = unit_.code[i];
      if ((is_flags(instr, Op::get) && is_used(i, block)) || sees_state(unit_, instr)) break;
      if (is_flags(instr, Op::set)) return exits != 0 ? First::set_behind_exits : First::set;
      if (has(instr.op, Trait::may_exit) && ++exits == last_exit) break;
    }
    return First::other;
  }

  First first_of(BlockId id) {
    First& first = notes_[id].first;
    if (first == First::unknown) first = find_first(id, ~0u);
    return first;
  }

  bool ends_round(BlockId id) const {
    const Block& block = unit_.blocks[id];
    return last(id).op == Op::jump && block.end - block.begin >= 2 && unit_.code[block.end - 2].op == Op::poll;
  }

  /// Whether the block ends a loop's round whose first block sets flags anew.
  void look_for_loop(BlockId id) {
    if (!ends_round(id)) return;
    const BlockId loop = last(id).target[0];
    const Block& first = unit_.blocks[loop];
    const bool fits = first.end - first.begin <= longest_copy && unit_.code.size() < max_unit_size / 2;
    if (loop != id && fits && notes_[loop].hands_on && first_of(loop) >= First::set_behind_exits)
      notes_[id].goes_on = loop;
  }

  /// The block whose branch ends this one.
  BlockId end_of(BlockId id) const { return notes_[id].goes_on == nowhere ? id : notes_[id].goes_on; }

  template <class Visit>
  void for_targets(BlockId id, Visit visit) const {
    const Instr& end = last(end_of(id));
    if (end.op == Op::jump || end.op == Op::branch) visit(end.target[0]);
    if (end.op == Op::branch) visit(end.target[1]);
  }

  bool hands_on(BlockId id) const { return notes_[end_of(id)].hands_on; }
  const Formula& flags(BlockId id) const { return *notes_[end_of(id)].flags; }

  /// Leaves those that hand on to such as take.
  void settle() {
    for (bool changed = true; changed;) {
      changed = false;
      givers_.assign(notes_.size(), nowhere);
      refuses_.assign(notes_.size(), 0);
      for (BlockId id = 0; id < notes_.size(); ++id)
        for_targets(id, [&](BlockId target) {
          if (!hands_on(id)) refuses_[target] = 1;
          else if (givers_[target] == nowhere) givers_[target] = id;
          else if (flags(givers_[target]) != flags(id)) refuses_[target] = 1;
        });
      for (BlockId id = 0; id < notes_.size(); ++id) {
        Note& note = notes_[id];
        if (note.goes_on != nowhere && !takes(id)) note.goes_on = nowhere, changed = true;
        if (!note.hands_on) continue;
        for (const BlockId target : last(id).target) note.hands_on &= takes(target);
        changed |= !note.hands_on;
      }
    }
  }

  bool takes(BlockId id) const { return givers_[id] != nowhere && refuses_[id] == 0; }

  /// Whether flags that are handed on cost nothing there, but at exits.
  bool gains(BlockId id, BlockId target) {
    return notes_[target].goes_on != nowhere || (follows(id, target) && first_of(target) == First::set);
  }

  /// Elsewhere setting them costs a comparison of its own.
  bool drop_useless() {
    bool changed = false;
    for (BlockId id = 0; id < notes_.size(); ++id) {
      Note& note = notes_[id];
      if (!note.hands_on) continue;
      const Instr& end = last(id);
      if (gains(id, end.target[0]) || gains(id, end.target[1])) continue;
      note.hands_on = false;
      changed = true;
    }
    return changed;
  }

  void rewrite() {
    std::vector<BlockId> order(notes_.size());
    for (BlockId id = 0; id < order.size(); ++id) order[id] = id;
    std::sort(order.begin(), order.end(),
              [this](BlockId a, BlockId b) { return unit_.blocks[a].begin < unit_.blocks[b].begin; });
    fresh_.reserve(unit_.code.size() + unit_.code.size() / 4);
    values_.resize(unit_.code.size());
    std::vector<Block> blocks(notes_.size());
    for (const BlockId id : order) {
      blocks[id].begin = static_cast<uint32_t>(fresh_.size());
      if (takes(id) && first_of(id) != First::set) set_flags(flags(givers_[id]));
      const BlockId loop = notes_[id].goes_on;
      copy(id, loop == nowhere ? 0 : 1);
      if (loop != nowhere) copy(loop, 0);
      blocks[id].end = static_cast<uint32_t>(fresh_.size());
    }
    unit_.code = std::move(fresh_);
    unit_.blocks = std::move(blocks);
  }

  void set_flags(const Formula& flags) {
    const SlotId slot = unit_.layout->flags;
    const Value value = flags.append_to(fresh_);
    Instr set{.op = Op::set, .type = unit_.layout->slots[slot].type, .imm = slot};
    set.arg[0] = value;
    fresh_.push_back(set);
  }

  void copy(BlockId id, uint32_t without) {
    const Note& note = notes_[id];
    const Block& block = unit_.blocks[id];
    for (uint32_t i = block.begin; i < block.end - without; ++i) {
      values_[i] = static_cast<Value>(fresh_.size());
      if (is_flags(unit_.code[i], Op::get) && !is_used(i, block)) continue;
      Instr& instr = fresh_.emplace_back(unit_.code[i]);
      for (Value& arg : instr.arg) {
        if (arg == no_value) break;
        arg = values_[arg];
      }
      if (note.hands_on && i == note.set) {
        instr.op = Op::drop;
        instr.arg[0] = no_value;
      }
    }
  }

  Unit& unit_;
  std::vector<Note> notes_;
  std::vector<BlockId> givers_;   ///< by block: one of those in front
  std::vector<uint8_t> refuses_;  ///< by block: not all in front hand on the same
  std::vector<Instr> fresh_;
  std::vector<Value> values_;  ///< of the old code, in the fresh one
};

}  // namespace

void hand_on_flags(Unit& unit) {
  if (unit.layout->flags != no_slot && unit.blocks.size() > 1) HandingOn(unit).run();
}

}  // namespace strata::ir

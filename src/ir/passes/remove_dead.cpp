// Removes what nobody wants, and sinks values that only sunk sets want.
#include <bitset>
#include <utility>

#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

/// Who wants a value.
enum class Wanted : uint8_t { never, at_exits, always };

class Removal {
 public:
  explicit Removal(Unit& unit)
      : unit_(unit),
        size_(static_cast<uint32_t>(unit.code.size())),
        code_(unit.code.data()),
        notes_(size_),
        met_(unit.blocks.size()),
        unseen_at_begin_(unit.blocks.size()) {}

  void run() {
    for (BlockId id = 0; id < unit_.blocks.size(); ++id) visit(id);
    compact();
  }

 private:
  using Slots = std::bitset<max_slots>;

  struct Notes {
    Wanted wanted = Wanted::never;
    uint32_t moved_to = 0;
  };

  /// Looks at a block behind those that it leads to, but for those that lead back to it.
  void visit(BlockId id) {
    if (std::exchange(met_[id], 1) != 0) return;
    const Block& block = unit_.blocks[id];
    const Instr& end = code_[block.end - 1];
    if (end.op == Op::jump || end.op == Op::branch) visit(end.target[0]);
    if (end.op == Op::branch) visit(end.target[1]);
    unseen_.reset();
    for (uint32_t i = block.end; i-- > block.begin;) look_at(code_[i], notes_[i]);
    unseen_at_begin_[id] = unseen_;
  }

  /// A sunk set is for exits.
  Wanted set_is_wanted(const Instr& set) const {
    if (unseen_[set.imm]) return Wanted::never;
    return set.sunk ? Wanted::at_exits : Wanted::always;
  }

  /// Slots that nobody sees behind a terminator. Blocks that have not been looked at see all.
  Slots unseen_behind(const Instr& end) const {
    if (end.op == Op::jump) return unseen_at_begin_[end.target[0]];
    if (end.op == Op::branch) return unseen_at_begin_[end.target[0]] & unseen_at_begin_[end.target[1]];
    return {};
  }

  /// Exits behind it must not do what a sunk set in front of it says.
  static void drop(Instr& set) {
    set.op = Op::drop;
    set.arg[0] = no_value;
  }

  void look_at(Instr& instr, const Notes& notes) {
    Wanted wanted = Wanted::always;
    switch (instr.op) {
      case Op::nop: return;
      case Op::set:
        wanted = set_is_wanted(instr);
        unseen_.set(instr.imm);
        if (wanted == Wanted::never && !instr.sunk) return drop(instr);
        break;
      case Op::drop: unseen_.set(instr.imm); return;
      case Op::insn: unseen_.set(unit_.layout->pc); return;
      case Op::get:  // which is not sunk: later it could read another value
        if (notes.wanted == Wanted::never) instr.op = Op::nop;
        else unseen_.reset(instr.imm);
        return;
      default:
        if (is_pure(unit_, instr)) {
          wanted = notes.wanted;
          // A call stays where it is: leaving is no place for it. So does what it needs.
          if (wanted == Wanted::at_exits && instr.op == Op::call) wanted = Wanted::always;
          instr.sunk = wanted == Wanted::at_exits;
        } else if (has(instr.op, Trait::terminator)) {
          unseen_ = unseen_behind(instr);
        } else if (has(instr.op, Trait::may_exit) || sees_state(unit_, instr)) {
          unseen_.reset();
        }
    }
    if (wanted == Wanted::never) {
      instr.op = Op::nop;
      return;
    }
    for (const Value arg : instr.arg) {
      if (arg == no_value) break;
      Notes& its = notes_[arg];
      if (its.wanted < wanted) its.wanted = wanted;
    }
  }

  /// Moves what is left together and renumbers it. Before the first gap all stays as it is.
  void compact() {
    uint32_t from = 0;
    for (; from < size_ && code_[from].op != Op::nop; ++from) notes_[from].moved_to = from;
    uint32_t to = from;
    for (; from < size_; ++from) {
      notes_[from].moved_to = to;
      if (code_[from].op == Op::nop) continue;
      Instr& instr = code_[to++] = code_[from];
      for (Value& arg : instr.arg) {
        if (arg == no_value) break;
        arg = notes_[arg].moved_to;
      }
    }
    if (to == size_) return;
    for (Block& block : unit_.blocks) {
      block.begin = notes_[block.begin].moved_to;
      block.end = notes_[block.end - 1].moved_to + 1;  // the terminator stays
    }
    unit_.code.resize(to);
  }

  Unit& unit_;
  const uint32_t size_;
  Instr* const code_;
  std::vector<Notes> notes_;            ///< by value
  std::vector<uint8_t> met_;            ///< by block
  Slots unseen_;                        ///< that are set again before anybody sees them, an exit included
  std::vector<Slots> unseen_at_begin_;  ///< the same, of each block
};

}  // namespace

void remove_dead(Unit& unit) { Removal(unit).run(); }

}  // namespace strata::ir

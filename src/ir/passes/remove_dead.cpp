// Removes what nobody wants, and sinks values that only sunk sets want.
#include <array>

#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

/// Who wants a value.
enum class Wanted : uint8_t { never, at_exits, always };

class Removal {
 public:
  explicit Removal(Unit& unit)
      : unit_(unit), size_(static_cast<uint32_t>(unit.code.size())), code_(unit.code.data()), notes_(size_) {
    set_again_.fill(nowhere);
  }

  void run() {
    for (uint32_t i = size_; i-- > 0;) look_at(i, code_[i], notes_[i]);
    compact();
  }

 private:
  static constexpr uint32_t nowhere = ~uint32_t{0};

  struct Notes {
    Wanted wanted = Wanted::never;
    uint32_t moved_to = 0;
  };

  /// A sunk set is for exits. Where none comes before the slot is set again, it is for nobody.
  Wanted set_is_wanted(const Instr& set) const {
    if (!set.sunk) return Wanted::always;
    return next_exit_ < set_again_[set.imm] ? Wanted::at_exits : Wanted::never;
  }

  void look_at(uint32_t index, Instr& instr, const Notes& notes) {
    Wanted wanted = Wanted::always;
    switch (instr.op) {
      case Op::nop: return;
      case Op::set:
        wanted = set_is_wanted(instr);
        set_again_[instr.imm] = index;
        break;
      case Op::drop: set_again_[instr.imm] = index; return;
      case Op::insn: set_again_[unit_.layout->pc] = index; return;
      case Op::get:  // which is not sunk: later it could read another value
        if (notes.wanted == Wanted::never) instr.op = Op::nop;
        return;
      default:
        if (is_pure(unit_, instr)) {
          wanted = notes.wanted;
          // A call stays where it is: leaving is no place for it. So does what it needs.
          if (wanted == Wanted::at_exits && instr.op == Op::call) wanted = Wanted::always;
          instr.sunk = wanted == Wanted::at_exits;
        } else if (has(instr.op, Trait::may_exit | Trait::terminator)) {
          next_exit_ = index;
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
  std::vector<Notes> notes_;                   ///< by value
  std::array<uint32_t, max_slots> set_again_;  ///< where each slot is set in the code behind
  uint32_t next_exit_ = nowhere;               ///< the next instruction that may leave the unit
};

}  // namespace

void remove_dead(Unit& unit) { Removal(unit).run(); }

}  // namespace strata::ir

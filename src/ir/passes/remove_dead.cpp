// Removes what nobody wants, and sinks values that only sunk sets want.
#include <algorithm>

#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

/// Who wants a value.
enum class Wanted : uint8_t { never, at_exits, always };

class Removal {
 public:
  explicit Removal(Unit& unit)
      : unit_(unit), set_again_(unit.layout->slots.size(), nowhere), notes_(unit.code.size()) {}

  void run() {
    for (auto i = static_cast<uint32_t>(unit_.code.size()); i-- > 0;) look_at(i);
    compact();
  }

 private:
  static constexpr uint32_t nowhere = ~uint32_t{0};

  bool is_pure(const Instr& instr) const {
    return has(instr.op, Trait::pure) ||
           (instr.op == Op::call && unit_.helpers[instr.imm]->effect == HelperEffect::pure);
  }

  /// A sunk set is for exits. Where none comes before the slot is set again, it is for nobody.
  bool is_seen(uint32_t index) const {
    const Instr& set = unit_.code[index];
    return !set.sunk || next_exit_ < set_again_[set.imm];
  }

  void look_at(uint32_t index) {
    Instr& instr = unit_.code[index];
    Wanted wanted = Wanted::always;
    switch (instr.op) {
      case Op::nop: return;
      case Op::set:
        wanted = !is_seen(index) ? Wanted::never : instr.sunk ? Wanted::at_exits : Wanted::always;
        set_again_[instr.imm] = index;
        break;
      case Op::drop: set_again_[instr.imm] = index; return;
      case Op::insn: set_again_[unit_.layout->pc] = index; return;
      case Op::get:
        wanted = notes_[index].wanted == Wanted::never ? Wanted::never : Wanted::always;  // later it could read another
        break;
      default:
        if (is_pure(instr)) {
          wanted = notes_[index].wanted;
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
      notes_[arg].wanted = std::max(notes_[arg].wanted, wanted);
    }
  }

  /// Moves what is left together and renumbers it. Before the first gap all stays as it is.
  void compact() {
    const auto size = static_cast<uint32_t>(unit_.code.size());
    Instr* const code = unit_.code.data();
    uint32_t from = 0;
    for (; from < size && code[from].op != Op::nop; ++from) notes_[from].moved_to = from;
    uint32_t to = from;
    for (; from < size; ++from) {
      notes_[from].moved_to = to;
      if (code[from].op == Op::nop) continue;
      Instr& instr = code[to++] = code[from];
      for (Value& arg : instr.arg) {
        if (arg == no_value) break;
        arg = notes_[arg].moved_to;
      }
    }
    if (to == size) return;
    for (Block& block : unit_.blocks) {
      block.begin = notes_[block.begin].moved_to;
      block.end = notes_[block.end - 1].moved_to + 1;  // the terminator stays
    }
    unit_.code.resize(to);
  }

  struct Notes {
    Wanted wanted = Wanted::never;
    uint32_t moved_to = 0;
  };

  Unit& unit_;
  std::vector<uint32_t> set_again_;  ///< where each slot is set in the code behind
  uint32_t next_exit_ = nowhere;     ///< the next instruction that may leave the unit
  std::vector<Notes> notes_;         ///< by value
};

}  // namespace

void remove_dead(Unit& unit) { Removal(unit).run(); }

}  // namespace strata::ir

// The code that one unit covers: several basic blocks of one page, found in one sweep forward from its first instruction.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/builder.h"

namespace strata::isa::x86 {

/// Which pcs have a block of their own in the unit. Branches ask here whether their target is inside; what is ahead gets
/// a block, which the sweep fills when it comes there, or else the end of the unit with an exit. The sweep never goes
/// back: what is behind is inside only where a block begins.
class Region {
 public:
  /// With `whole` false every branch leaves.
  Region(uint64_t first_pc, uint64_t page_left, bool whole) : first_(first_pc), page_left_(page_left), whole_(whole) {}

  /// The sweep is at the instruction with this pc, whose end is `next`.
  void at(uint64_t next) { next_ = next; }

  /// The block of `pc` if it is inside; `*behind` tells that it is a loop's beginning. Announces it where it is ahead.
  std::optional<ir::BlockId> block_of(ir::Builder& b, uint64_t pc, bool* behind);

  /// Code at `pc` begins now in this block.
  void begun(uint64_t pc, ir::BlockId block);

  /// The waiting block of exactly this pc, and the first pc from here on that one waits for.
  std::optional<ir::BlockId> waiting_at(uint64_t pc) const;
  std::optional<uint64_t> next_waiting(uint64_t pc) const;

  /// Ends those that the sweep did not reach.
  void leave_rest(ir::Builder& b, uint64_t offset);

 private:
  struct Label {
    uint64_t pc;
    ir::BlockId block;
    bool begun;
  };
  static constexpr unsigned most_labels = 24;
  static constexpr uint64_t reach = 512;  ///< bytes of code from the first instruction on

  const Label* find(uint64_t pc) const;

  const uint64_t first_, page_left_;
  const bool whole_;
  uint64_t next_ = 0;
  unsigned count_ = 0;
  Label labels_[most_labels];
};

}  // namespace strata::isa::x86

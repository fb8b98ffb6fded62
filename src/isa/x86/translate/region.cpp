// The code that one unit covers.
#include "isa/x86/translate/region.h"

#include <algorithm>

namespace strata::isa::x86 {

const Region::Label* Region::find(uint64_t pc) const {
  const Label* end = labels_ + count_;
  const Label* found = std::find_if(labels_, end, [pc](const Label& label) { return label.pc == pc; });
  return found == end ? nullptr : found;
}

std::optional<ir::BlockId> Region::block_of(ir::Builder& b, uint64_t pc, bool* behind) {
  *behind = false;
  if (!whole_) return std::nullopt;
  if (const Label* label = find(pc)) {
    *behind = label->begun;
    return label->block;
  }
  const bool ahead = pc >= next_ && pc - first_ < std::min(reach, page_left_);
  if (!ahead || count_ == most_labels) return std::nullopt;
  labels_[count_++] = {pc, b.new_block(), false};
  return labels_[count_ - 1].block;
}

void Region::begun(uint64_t pc, ir::BlockId block) {
  if (const Label* label = find(pc)) labels_[label - labels_].begun = true;
  else if (count_ < most_labels) labels_[count_++] = {pc, block, true};
}

std::optional<ir::BlockId> Region::waiting_at(uint64_t pc) const {
  const Label* label = find(pc);
  return label && !label->begun ? std::optional(label->block) : std::nullopt;
}

std::optional<uint64_t> Region::next_waiting(uint64_t pc) const {
  std::optional<uint64_t> first;
  for (unsigned i = 0; i < count_; ++i)
    if (!labels_[i].begun && labels_[i].pc >= pc && (!first || labels_[i].pc < *first)) first = labels_[i].pc;
  return first;
}

void Region::leave_rest(ir::Builder& b, uint64_t offset) {
  for (unsigned i = 0; i < count_; ++i) {
    if (labels_[i].begun) continue;
    b.begin(labels_[i].block);
    b.exit_goto(labels_[i].pc + offset);
  }
}

}  // namespace strata::isa::x86

// Finds loads and stores of a block that one look into the TLB may serve.
#include <algorithm>

#include "codegen/x64/notes.h"

namespace strata::codegen::x64 {

using ir::Instr;
using ir::Op;

bool is_displaced(const ir::Unit& unit, const Instr& instr) {
  if (instr.op != Op::add && instr.op != Op::sub) return false;
  const Instr& constant = unit.code[instr.arg[1]];
  return constant.op == Op::constant && fits(constant.imm) && fits(uint64_t{0} - constant.imm);
}

int32_t displacement_of(const ir::Unit& unit, const Instr& instr) {
  const auto constant = static_cast<int32_t>(unit.code[instr.arg[1]].imm);
  return instr.op == Op::add ? constant : -constant;
}

Distance distance_of(const ir::Unit& unit, ir::Value address) {
  const auto is = [&unit](ir::Value value, Op op) { return unit.code[value].op == op; };
  Distance found{.base = address, .bytes = 0, .narrow = false};
  if (is(address, Op::and_)) {
    const Instr& cut = unit.code[address];
    found.narrow = is(cut.arg[1], Op::constant) && unit.code[cut.arg[1]].imm == 0xffff'ffff;
    if (!found.narrow) return found;
    found.base = cut.arg[0];
  }
  const Instr& sum = unit.code[found.base];
  if (!is_displaced(unit, sum)) return found;
  found.bytes = displacement_of(unit, sum);
  found.base = sum.arg[0];
  return found;
}

namespace {

class Finder {
 public:
  Finder(const ir::Unit& unit, Scratch& scratch) : unit_(unit), scratch_(scratch), all_(scratch.neighbours) {}

  void run() {
    all_.clear();
    if (scratch_.accesses.size() < 2) return;
    for (auto at = scratch_.accesses.rbegin(); at != scratch_.accesses.rend(); ++at) {
      const Instr& instr = unit_.code[*at];
      if (instr.op == Op::call) open_ = all_.size();  // it may change what is mapped
      else look_at(instr, *at);
    }
    // Those that have none keep their own look.
    for (const Neighbours& one : all_)
      if (one.first == one.last) scratch_.notes[one.first].neighbours = 0;
  }

 private:
  void look_at(const Instr& instr, uint32_t position) {
    const Distance place = distance_of(unit_, instr.arg[0]);
    const Neighbours own{.base = place.base,
                         .space = static_cast<ir::Space>(instr.imm),
                         .narrow = place.narrow,
                         .write = instr.op == Op::store,
                         .first = position,
                         .last = position,
                         .begin = place.bytes,
                         .end = place.bytes + std::max(1u, ir::bytes(instr.type))};
    auto known = std::find_if(all_.begin() + static_cast<ptrdiff_t>(open_), all_.end(),
                              [&](const Neighbours& others) { return may_join(own, others); });
    if (known == all_.end()) {
      if (all_.size() == Neighbours::most) return;
      known = all_.insert(known, own);
    }
    known->begin = std::min(known->begin, own.begin);
    known->end = std::max(known->end, own.end);
    known->write |= own.write;
    known->last = position;
    scratch_.notes[position].neighbours = static_cast<uint8_t>(known - all_.begin() + 1);
  }

  static bool may_join(const Neighbours& own, const Neighbours& others) {
    return own.base == others.base && own.space == others.space && own.narrow == others.narrow &&
           std::max(own.end, others.end) - std::min(own.begin, others.begin) <= Neighbours::farthest;
  }

  const ir::Unit& unit_;
  Scratch& scratch_;
  std::vector<Neighbours>& all_;
  size_t open_ = 0;  ///< those from here on may still be joined
};

}  // namespace

void find_neighbours(const ir::Unit& unit, Scratch& scratch) { Finder(unit, scratch).run(); }

}  // namespace strata::codegen::x64

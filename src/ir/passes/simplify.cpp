// The pass that writes a unit anew through the emitter, joining blocks on the way.
#include <algorithm>

#include "ir/emitter.h"
#include "ir/passes/passes.h"

namespace strata::ir {
namespace {

constexpr BlockId gone = ~BlockId{0};

class Simplification {
 public:
  explicit Simplification(Unit& unit) : old_(unit), emitter_(*unit.layout) {
    blocks_.resize(old_.blocks.size());
    values_.resize(old_.code.size());
    emitter_.unit().helpers = old_.helpers;
    emitter_.unit().vectors = old_.vectors;
  }

  void run() {
    count_entries();
    name_blocks();
    for (BlockId id = 0; id < blocks_.size(); ++id) {
      if (blocks_[id].renamed != gone) write_block(id);
    }
    Unit& fresh = emitter_.unit();
    old_.code = std::move(fresh.code);
    old_.blocks = std::move(fresh.blocks);
    old_.vectors = std::move(fresh.vectors);
    old_.simplified = true;
  }

 private:
  struct BlockNotes {
    uint32_t entries = 0;    ///< how many ways lead here; the unit's entry is one
    bool joined = false;     ///< the only way is a jump: it is written behind that
    BlockId renamed = gone;  ///< its number in the fresh unit, where it begins a block of that
  };

  const Instr& last(BlockId id) const { return old_.code[old_.blocks[id].end - 1]; }

  void count_entries() {
    std::vector<BlockId> open = {0};
    while (!open.empty()) {
      const BlockId id = open.back();
      open.pop_back();
      if (blocks_[id].entries++ != 0) continue;
      if (last(id).op == Op::jump || last(id).op == Op::branch) open.push_back(last(id).target[0]);
      if (last(id).op == Op::branch) open.push_back(last(id).target[1]);
    }
  }

  void name_blocks() {
    for (BlockId id = 0; id < blocks_.size(); ++id) {
      if (blocks_[id].entries == 0 || last(id).op != Op::jump) continue;
      const BlockId target = last(id).target[0];
      if (target != 0 && blocks_[target].entries == 1) blocks_[target].joined = true;
    }
    for (BlockNotes& block : blocks_) {
      if (block.entries == 0 || block.joined) continue;
      block.renamed = static_cast<BlockId>(emitter_.unit().blocks.size());
      emitter_.unit().blocks.emplace_back();
    }
  }

  void write_block(BlockId id) {
    emitter_.begin(blocks_[id].renamed);
    for (bool more = true; more;) {
      const auto [begin, end] = old_.blocks[id];
      more = last(id).op == Op::jump && blocks_[last(id).target[0]].joined;
      for (uint32_t i = begin; i < end - (more ? 1 : 0); ++i) values_[i] = write(old_.code[i]);
      id = last(id).target[0];
    }
    emitter_.end();
  }

  Value write(Instr instr) {
    for (Value& arg : instr.arg) {
      if (arg == no_value) break;
      arg = values_[arg];
    }
    instr.sunk = false;  // sink_sets says it again
    if (instr.op == Op::jump || instr.op == Op::branch) {
      for (BlockId& target : instr.target) target = blocks_[target].renamed;
    }
    if (instr.op == Op::set && emitter_.holds(static_cast<SlotId>(instr.imm), instr.arg[0])) return no_value;
    return emitter_.emit(instr);
  }

  Unit& old_;
  Emitter emitter_;
  std::vector<BlockNotes> blocks_;
  std::vector<Value> values_;  ///< old values to fresh ones
};

/// Whether there are blocks to join or unreachable ones. Both come from jumps, for a branch that is decided becomes one.
bool has_blocks_to_join(const Unit& unit) {
  const auto last = [&](const Block& block) -> const Instr& { return unit.code[block.end - 1]; };
  const auto is_jump = [&](const Block& block) { return last(block).op == Op::jump; };
  if (std::none_of(unit.blocks.begin(), unit.blocks.end(), is_jump)) return false;
  std::vector<uint32_t> entries(unit.blocks.size());
  entries[0] = 2;  // the engine's besides any other: nothing is joined to it
  for (const Block& block : unit.blocks) {
    const Op op = last(block).op;
    if (op == Op::jump || op == Op::branch) ++entries[last(block).target[0]];
    if (op == Op::branch) ++entries[last(block).target[1]];
  }
  return std::any_of(unit.blocks.begin(), unit.blocks.end(), [&](const Block& block) {
    return entries[static_cast<size_t>(&block - unit.blocks.data())] == 0 ||
           (is_jump(block) && entries[last(block).target[0]] == 1);
  });
}

}  // namespace

void simplify(Unit& unit) {
  if (unit.simplified && !has_blocks_to_join(unit)) return;  // most units of a front end
  Simplification(unit).run();
}

}  // namespace strata::ir

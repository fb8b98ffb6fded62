// Homes of vectors: units that use them see to it that they are live, others know nothing of it.
#include <algorithm>

#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

bool Compiler::uses_vector_home(const Instr& instr) const {
  return (instr.op == Op::get || instr.op == Op::set) && homes_.vectors.of(instr.imm) >= 0;
}

/// Fills wants_vectors_.
void Compiler::find_vector_users() {
  wants_vectors_.assign(unit_.blocks.size(), 0);
  if (homes_.vectors.all().empty()) return;
  bool found = false;
  for (ir::BlockId id = 0; id < unit_.blocks.size(); ++id) {
    const auto instrs = unit_.instrs(id);
    const bool uses =
        std::any_of(instrs.begin(), instrs.end(), [&](const Instr& one) { return uses_vector_home(one); });
    wants_vectors_[id] = uses ? 1 : 0;
    found |= uses;
  }
  while (found) {
    found = false;
    for (ir::BlockId id = static_cast<ir::BlockId>(unit_.blocks.size()); id-- > 0;) {
      if (wants_vectors_[id] != 0 || !leads_to_vectors(id)) continue;
      wants_vectors_[id] = 1;
      found = true;
    }
  }
}

/// Whether a block behind the other in this unit wants them.
bool Compiler::leads_to_vectors(ir::BlockId id) const {
  const Instr& last = at(unit_.blocks[id].end - 1);
  if (last.op == Op::jump) return wants_vectors_[last.target[0]] != 0;
  return last.op == Op::branch && (wants_vectors_[last.target[0]] | wants_vectors_[last.target[1]]) != 0;
}

/// At the unit's begin.
void Compiler::want_vectors() {
  if (wants_vectors_[0] == 0) return;
  vectors_missing_ = a_.newLabel();
  vectors_back_ = a_.newLabel();
  a_.cmp(x86::byte_ptr(x86::rsp, Frame::vectors_live), 0);
  a_.je(vectors_missing_);
  a_.bind(vectors_back_);
}

void Compiler::write_loading_of_vectors() {
  if (wants_vectors_[0] == 0) return;
  a_.bind(vectors_missing_);
  a_.call(x86::ptr(x86::rsp, Frame::thunk(Frame::load_vectors), 8));
  a_.jmp(vectors_back_);
}

/// Behind a call, which leaves them in the state.
void Compiler::bring_vectors_back() {
  if (wants_vectors_[block_] == 0) return;
  const uint32_t end = unit_.blocks[block_].end;
  bool wanted = leads_to_vectors(block_);
  for (uint32_t i = position_ + 1; i < end && !wanted; ++i) wanted = uses_vector_home(at(i));
  if (wanted) a_.call(x86::ptr(x86::rsp, Frame::thunk(Frame::load_vectors), 8));
}

}  // namespace strata::codegen::x64

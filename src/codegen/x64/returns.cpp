// Calls and returns of the guest's as calls and returns of the host's, whose processor then knows where they go on.
#include "codegen/x64/compiler.h"
#include "codegen/x64/jump_table.h"

namespace strata::codegen::x64 {

/// In front of a way out that calls. The host's call goes behind the link that leads to where the guest will return, and
/// what it has pushed is kept with the guest's pc: nothing stays on the host's stack.
void Compiler::push_return(uint64_t pc) {
  if (!JumpTables::has(unit_.mode) || unlinked_.size() >= ir::RunResult::no_link) return;
  const uint32_t unlinked =
      make_link(unit_.relocatable ? pc & ~ir::page_mask : pc, static_cast<uint8_t>(unlinked_.size()));
  if (unit_.relocatable) {
    a_.mov(x86::rdx, unit_base());
    a_.lea(x86::rdx, x86::ptr(x86::rdx, static_cast<int32_t>(pc)));
  } else {
    load_constant(x86::rdx, pc);
  }
  const x86::Mem top = x86::ptr(x86::rsp, Frame::returns, 8);
  a_.mov(x86::rcx, top);
  a_.add(x86::cl, static_cast<int32_t>(sizeof(uint64_t)));
  a_.mov(top, x86::rcx);
  a_.mov(x86::ptr(x86::rcx), x86::rdx);
  constexpr uint8_t call_behind_jump[] = {0xe8, 5, 0, 0, 0}, pop_rdx[] = {0x5a};
  code_->calls = true;
  align_link(sizeof call_behind_jump);
  a_.embed(call_behind_jump, sizeof call_behind_jump);
  jump_to_stub(unlinked);
  unlinked_.push_back({unlinked, here_in_code(), stays_on_page(pc)});
  a_.embed(pop_rdx, sizeof pop_rdx);
  a_.mov(x86::ptr(x86::rcx, ReturnStack::to_target), x86::rdx);
}

/// Goes behind the call that is on top of the stack, if it will return to this pc; else falls through.
void Compiler::jump_back(const Gp& pc) {
  const Label elsewhere = a_.newLabel();
  const x86::Mem top = x86::ptr(x86::rsp, Frame::returns, 8);
  a_.mov(x86::rcx, top);
  a_.cmp(pc, x86::ptr(x86::rcx));
  a_.jne(elsewhere);
  a_.mov(x86::rdx, x86::ptr(x86::rcx, ReturnStack::to_target));
  a_.test(x86::rdx, x86::rdx);
  a_.jz(elsewhere);
  a_.sub(x86::cl, static_cast<int32_t>(sizeof(uint64_t)));
  a_.mov(top, x86::rcx);
  constexpr uint8_t push_rdx_ret[] = {0x52, 0xc3};
  a_.embed(push_rdx_ret, sizeof push_rdx_ret);
  a_.bind(elsewhere);
}

}  // namespace strata::codegen::x64

// The shared pieces of host code, and the C++ functions that they call.
#include "codegen/x64/thunks.h"

#include <cstddef>
#include <cstring>

#include "base/assert.h"
#include "codegen/x64/frame.h"
#include "codegen/x64/registers.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

namespace {

using ir::ExecContext;
using ir::ExitKind;

ir::RunResult leave_at(const X64Code* code, uint32_t exit, ExecContext* context, std::byte* frame) {
  const ExitPlace& place = code->exits[exit];
  ir::RunResult result{place.kind, ir::RunResult::no_link, place.payload};
  if (place.from_helper) {
    context->leave = false;
    result.kind = context->leave_kind;
    result.payload = context->leave_payload;
  }
  context->running = code;
  if (place.pc_lags) std::memcpy(context->state + code->pc_offset, &place.pc, sizeof place.pc);
  // As the interpreter counts: not done is the instruction at which a fault stops the guest, if one has been begun, and
  // one that an event precedes.
  const bool fault = result.kind == ExitKind::memory || result.kind == ExitKind::trap;
  const bool undone = (fault && place.begun) || (result.kind == ExitKind::event && place.at_insn);
  context->insns += uint64_t{place.insns} - (undone ? 1 : 0);
  if (place.owes) interp::run_steps(code->steps.data() + place.first_step, context->state, frame, *context);
  return result;
}

/// The lowest byte of `shape` is the size of the access, the next one the address space.
bool slow_load(ExecContext* context, uint64_t address, uint32_t shape, void* out) {
  return context->memory->load(address, shape & 0xff, static_cast<ir::Space>(shape >> 8), out);
}
bool slow_store(ExecContext* context, uint64_t address, uint32_t shape, const void* in) {
  return context->memory->store(address, shape & 0xff, static_cast<ir::Space>(shape >> 8), in);
}

template <class F>
uint64_t address_of(F* function) {
  return reinterpret_cast<uint64_t>(function);
}

class Writer {
 public:
  Writer() {
    holder_.init(asmjit::Environment::host());
    holder_.attach(&a_);
    for (asmjit::Label* label : {&leave_, &exit_, &slow_load_, &slow_store_}) *label = a_.newLabel();
  }

  CodeSpan write(CodeMemory& memory) {
    const asmjit::Label thunks[] = {leave_, exit_, slow_load_, slow_store_};
    enter(thunks);
    exit();
    slow(slow_load_, address_of(&slow_load));
    slow(slow_store_, address_of(&slow_store));
    const CodeSpan span = memory.allocate(holder_.codeSize());
    holder_.relocateToBase(reinterpret_cast<uint64_t>(span.run));
    holder_.copyFlattenedData(span.write, span.size);
    return span;
  }

 private:
  void enter(const asmjit::Label (&thunks)[4]) {
    const x86::Gp saved[] = {x86::rbx, x86::rbp, x86::r12, x86::r13, x86::r14, x86::r15};
    for (const x86::Gp& reg : saved) a_.push(reg);
    a_.sub(x86::rsp, Frame::size);
    a_.mov(context_register, x86::rsi);
    a_.mov(state_register, x86::ptr(x86::rsi, offsetof(ExecContext, state)));
    a_.mov(count_register, x86::ptr(x86::rsi, offsetof(ExecContext, insns)));
    for (unsigned i = 0; i < 4; ++i) {
      a_.lea(x86::rax, x86::ptr(thunks[i]));
      a_.mov(x86::ptr(x86::rsp, Frame::thunk(static_cast<Frame::Thunk>(i))), x86::rax);
    }
    a_.jmp(x86::rdi);
    a_.bind(leave_);  // rax, rdx: the RunResult
    a_.add(x86::rsp, Frame::size);
    for (size_t i = std::size(saved); i-- > 0;) a_.pop(saved[i]);
    a_.ret();
  }

  /// rcx: number of the exit, rdx: the code. Every value is where it was.
  void exit() {
    a_.bind(exit_);
    for (const uint8_t reg : general_registers) a_.mov(x86::ptr(x86::rsp, Frame::cell(reg)), x86::gpq(reg));
    for (unsigned i = 0; i < vector_registers; ++i)
      a_.movups(x86::ptr(x86::rsp, Frame::cell(Frame::vectors + 2 * i)), x86::xmm(i));
    a_.mov(x86::ptr(context_register, offsetof(ExecContext, insns)), count_register);
    a_.mov(x86::rdi, x86::rdx);
    a_.mov(x86::esi, x86::ecx);
    a_.mov(x86::rdx, context_register);
    a_.lea(x86::rcx, x86::ptr(x86::rsp, Frame::cells));
    a_.mov(x86::rax, address_of(&leave_at));
    a_.call(x86::rax);
    a_.jmp(leave_);
  }

  /// rax: address, ecx: shape, rdx: the code. Keeps all registers but those; the host's zero flag: refused.
  void slow(asmjit::Label label, uint64_t function) {
    constexpr int32_t pushed = 8;  // the return address
    a_.bind(label);
    a_.mov(x86::ptr(context_register, offsetof(ExecContext, running)), x86::rdx);
    a_.mov(x86::ptr(context_register, offsetof(ExecContext, insns)), count_register);
    for (const uint8_t reg : general_lost_in_calls)
      a_.mov(x86::ptr(x86::rsp, pushed + Frame::cell(reg)), x86::gpq(reg));
    for (unsigned i = 0; i < vector_registers; ++i)
      a_.movups(x86::ptr(x86::rsp, pushed + Frame::cell(Frame::vectors + 2 * i)), x86::xmm(i));
    a_.mov(x86::rdi, context_register);
    a_.mov(x86::rsi, x86::rax);
    a_.mov(x86::edx, x86::ecx);
    a_.lea(x86::rcx, x86::ptr(x86::rsp, pushed + Frame::scratch));
    a_.mov(x86::rax, function);
    a_.sub(x86::rsp, 8);
    a_.call(x86::rax);
    a_.add(x86::rsp, 8);
    for (const uint8_t reg : general_lost_in_calls)
      a_.mov(x86::gpq(reg), x86::ptr(x86::rsp, pushed + Frame::cell(reg)));
    for (unsigned i = 0; i < vector_registers; ++i)
      a_.movups(x86::xmm(i), x86::ptr(x86::rsp, pushed + Frame::cell(Frame::vectors + 2 * i)));
    a_.test(x86::al, x86::al);
    a_.ret();
  }

  asmjit::CodeHolder holder_;
  x86::Assembler a_;
  asmjit::Label leave_, exit_, slow_load_, slow_store_;
};

}  // namespace

Thunks::Thunks(CodeMemory& memory) : memory_(memory), span_(Writer().write(memory)) {}
Thunks::~Thunks() { memory_.release(span_); }

}  // namespace strata::codegen::x64

// The shared pieces of host code, and the C++ functions that they call.
#include "codegen/x64/thunks.h"

#include <cstddef>
#include <cstring>

#include "base/assert.h"
#include "codegen/interp/float_stack.h"
#include "codegen/interp/single_step.h"
#include "codegen/x64/frame.h"
#include "codegen/x64/registers.h"
#include "codegen/x64/x64_code.h"

namespace strata::codegen::x64 {

namespace {

using ir::ExecContext;
using ir::ExitKind;

ir::RunResult leave_at(const X64Code* code, uint32_t exit, ExecContext* context, std::byte* frame) {
  const ExitPlace& place = code->exits[exit];
  ir::RunResult result{.kind = place.kind, .payload = place.payload};
  if (place.from_helper) {
    context->leave = false;
    result.kind = context->leave_kind;
    result.payload = context->leave_payload;
  }
  context->running = code;
  if (place.pc_lags) {
    uint64_t pc = 0;
    if (code->relocatable) std::memcpy(&pc, context->state + code->unit_base_offset, sizeof pc);
    pc += place.pc;
    std::memcpy(context->state + code->pc_offset, &pc, sizeof pc);
  }
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

bool slow_atomic(ExecContext* context, uint64_t address, uint32_t shape, void* words) {
  return interp::atomic_update(*context, address, interp::AtomicShape::unpack(shape), static_cast<uint64_t*>(words));
}

/// `shape` is the operation's immediate.
bool slow_float_stack(ExecContext* context, uint64_t address, uint32_t shape, void*) {
  return interp::float_stack_access(*context, address, shape);
}

template <class F>
uint64_t address_of(F* function) {
  return reinterpret_cast<uint64_t>(function);
}

class Writer {
 public:
  explicit Writer(const Homes& homes) : homes_(homes) {
    holder_.init(asmjit::Environment::host());
    holder_.attach(&a_);
    for (asmjit::Label& label : thunks_) label = a_.newLabel();
    left_ = a_.newLabel();
  }

  CodeSpan write(CodeMemory& memory) {
    enter();
    leave();
    exit();
    slow(Frame::slow_load, address_of(&slow_load));
    slow(Frame::slow_store, address_of(&slow_store));
    slow(Frame::slow_atomic, address_of(&slow_atomic));
    slow(Frame::slow_float_stack, address_of(&slow_float_stack));
    calls_that_see_the_state();
    other_calls();
    const CodeSpan span = memory.allocate(holder_.codeSize());
    holder_.relocateToBase(reinterpret_cast<uint64_t>(span.run));
    holder_.copyFlattenedData(span.write, span.size);
    return span;
  }

 private:
  static constexpr x86::Gp saved_[] = {x86::rbx, x86::rbp, x86::r12, x86::r13, x86::r14, x86::r15};
  static constexpr int32_t pushed = 8;  ///< the return address, inside thunks that are called

  static x86::Mem in_context(const x86::Gp& context, size_t offset) {
    return x86::ptr(context, static_cast<int32_t>(offset), 8);
  }
  static x86::Mem in_frame(int32_t offset) { return x86::ptr(x86::rsp, offset, 8); }

  void enter() {
    for (const x86::Gp& reg : saved_) a_.push(reg);
    a_.sub(x86::rsp, Frame::size);
    a_.mov(in_frame(Frame::context), x86::rsi);
    a_.mov(state_register, in_context(x86::rsi, offsetof(ExecContext, state)));
    a_.mov(x86::rdx, x86::rdi);
    for (unsigned i = 0; i < Frame::thunks; ++i) {
      a_.lea(x86::rax, x86::ptr(thunks_[i]));
      a_.mov(in_frame(Frame::thunk(i)), x86::rax);
    }
    load_context(x86::rsi, 0);
    load_homes();
    a_.jmp(x86::rdx);
  }

  /// rax, rdx: the RunResult; rcx: the code.
  void leave() {
    a_.bind(thunks_[Frame::leave]);
    store_homes();
    store_context(x86::rcx, x86::rdi, 0);
    a_.bind(left_);
    a_.add(x86::rsp, Frame::size);
    for (size_t i = std::size(saved_); i-- > 0;) a_.pop(saved_[i]);
    a_.ret();
  }

  /// rcx: number of the exit, rdx: the code. Every value is where it was.
  void exit() {
    a_.bind(thunks_[Frame::exit]);
    for (const uint8_t reg : homes_.pool()) a_.mov(in_frame(Frame::cell(reg)), x86::gpq(reg));
    for (const Homes::Home& home : homes_.all()) a_.mov(in_frame(Frame::cell(home.reg)), x86::gpq(home.reg));
    store_homes();
    save_vectors(0);
    a_.mov(x86::rdi, x86::rdx);
    a_.mov(x86::esi, x86::ecx);
    a_.mov(x86::rdx, in_frame(Frame::context));
    a_.movq(in_context(x86::rdx, offsetof(ExecContext, insns)), count_register);
    a_.lea(x86::rcx, x86::ptr(x86::rsp, Frame::cells));
    a_.mov(x86::rax, address_of(&leave_at));
    a_.call(x86::rax);
    a_.jmp(left_);
  }

  /// rax: address, ecx: shape, rdx: the code. Keeps all registers but those; the host's zero flag: refused.
  void slow(Frame::Thunk which, uint64_t function) {
    a_.bind(thunks_[which]);
    for (const uint8_t reg : general_lost_in_calls) a_.mov(in_frame(pushed + Frame::cell(reg)), x86::gpq(reg));
    save_vectors(pushed);
    a_.mov(x86::rdi, in_frame(pushed + Frame::context));
    a_.mov(in_context(x86::rdi, offsetof(ExecContext, running)), x86::rdx);
    a_.movq(in_context(x86::rdi, offsetof(ExecContext, insns)), count_register);
    a_.mov(x86::rsi, x86::rax);
    a_.mov(x86::edx, x86::ecx);
    a_.lea(x86::rcx, x86::ptr(x86::rsp, pushed + Frame::scratch));
    a_.mov(x86::rax, function);
    call_aligned();
    a_.mov(x86::rcx, in_frame(pushed + Frame::context));
    a_.movq(count_register, in_context(x86::rcx, offsetof(ExecContext, insns)));
    for (const uint8_t reg : general_lost_in_calls) a_.mov(x86::gpq(reg), in_frame(pushed + Frame::cell(reg)));
    for (unsigned i = 0; i < vector_registers; ++i)
      a_.movups(x86::xmm(i), x86::ptr(x86::rsp, pushed + Frame::cell(Frame::vectors + 2 * i)));
    a_.test(x86::al, x86::al);
    a_.ret();
  }

  /// save, rdx: the code; then, once the operands are in place, call_and_load with the function in rax.
  void calls_that_see_the_state() {
    a_.bind(thunks_[Frame::save]);
    store_homes();
    store_context(x86::rdx, x86::rax, pushed);
    a_.ret();
    a_.bind(thunks_[Frame::call_and_load]);
    call_aligned();
    a_.mov(x86::rcx, in_frame(pushed + Frame::context));
    load_context(x86::rcx, pushed);
    load_homes();
    a_.ret();
  }

  /// The same with spare and call_and_restore. What C++ loses waits in the state.
  void other_calls() {
    a_.bind(thunks_[Frame::spare]);
    for (const Homes::Home& home : homes_.all())
      if (lost_in_calls(home.reg)) store(home);
    store_context(x86::rdx, x86::rax, pushed);
    a_.ret();
    a_.bind(thunks_[Frame::call_and_restore]);
    call_aligned();
    a_.mov(x86::rcx, in_frame(pushed + Frame::context));
    a_.movq(count_register, in_context(x86::rcx, offsetof(ExecContext, insns)));
    for (const Homes::Home& home : homes_.all())
      if (lost_in_calls(home.reg)) load(home);
    a_.ret();
  }

  void call_aligned() {
    a_.sub(x86::rsp, 8);
    a_.call(x86::rax);
    a_.add(x86::rsp, 8);
  }

  void save_vectors(int32_t above) {
    for (unsigned i = 0; i < vector_registers; ++i)
      a_.movups(x86::ptr(x86::rsp, above + Frame::cell(Frame::vectors + 2 * i)), x86::xmm(i));
  }

  /// What code holds of the context.
  void load_context(const x86::Gp& context, int32_t above) {
    const auto copy = [&](size_t from, int32_t to) {
      a_.movq(x86::xmm14, in_context(context, from));
      a_.movq(in_frame(above + to), x86::xmm14);
    };
    a_.movq(count_register, in_context(context, offsetof(ExecContext, insns)));
    copy(offsetof(ExecContext, insn_limit), Frame::insn_limit);
    copy(offsetof(ExecContext, jumps), Frame::jumps);
    for (unsigned i = 0; i < ir::max_spaces; ++i)
      copy(offsetof(ExecContext, tlb) + i * sizeof(ir::Tlb*), Frame::tlb(i));
  }

  /// `context`: a register to lose.
  void store_context(const x86::Gp& code, const x86::Gp& context, int32_t above) {
    a_.mov(context, in_frame(above + Frame::context));
    a_.mov(in_context(context, offsetof(ExecContext, running)), code);
    a_.movq(in_context(context, offsetof(ExecContext, insns)), count_register);
  }

  void store(const Homes::Home& home) {
    a_.mov(x86::ptr(state_register, static_cast<int32_t>(home.offset)), x86::gpq(home.reg));
  }
  void load(const Homes::Home& home) {
    a_.mov(x86::gpq(home.reg), x86::ptr(state_register, static_cast<int32_t>(home.offset)));
  }
  void store_homes() {
    for (const Homes::Home& home : homes_.all()) store(home);
    settle_flags();
  }
  void load_homes() {
    unsettle_flags();
    for (const Homes::Home& home : homes_.all()) load(home);
  }

  /// From RawFlags to the form of the IR, and back. In rsi and rdi, which hold nothing then.
  void settle_flags() {
    if (homes_.flags() < 0) return;
    a_.movzx(x86::esi, x86::word_ptr(state_register, homes_.flags()));
    a_.mov(x86::edi, x86::esi);
    a_.shr(x86::esi, 8);
    a_.and_(x86::esi, ir::Flag::all & ~ir::Flag::overflow);
    a_.and_(x86::edi, RawFlags::overflow);
    a_.shl(x86::edi, overflow_bit);
    a_.or_(x86::esi, x86::edi);
    a_.mov(x86::dword_ptr(state_register, homes_.flags()), x86::esi);
  }
  void unsettle_flags() {
    if (homes_.flags() < 0) return;
    a_.mov(x86::esi, x86::dword_ptr(state_register, homes_.flags()));
    a_.movzx(x86::edi, x86::sil);
    a_.shl(x86::edi, 8);
    a_.shr(x86::esi, overflow_bit);
    a_.or_(x86::esi, x86::edi);
    a_.mov(x86::dword_ptr(state_register, homes_.flags()), x86::esi);
  }

  const Homes& homes_;
  asmjit::CodeHolder holder_;
  x86::Assembler a_;
  std::array<asmjit::Label, Frame::thunks> thunks_;
  asmjit::Label left_;
};

}  // namespace

Thunks::Thunks(CodeMemory& memory, const Homes& homes)
    : memory_(memory), homes_(homes), span_(Writer(homes).write(memory)) {}
Thunks::~Thunks() { memory_.release(span_); }

}  // namespace strata::codegen::x64

// Atomic updates: behind the same look into the TLB as a store's, the host's own atomic instruction.
#include "codegen/interp/single_step.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

void Compiler::atomic(const Instr& instr) {
  if (const Gp address = address_of(instr.arg[0]); address != x86::rax) a_.mov(x86::rax, address);
  pinned_general_ = 0;  // the address needs no other register any more
  AtomicSlowPath path{.begin = a_.newLabel(), .back = a_.newLabel(), .instr = &instr};
  const unsigned operands = ir::info(instr.op).operands - 1u;
  for (unsigned i = 0; i < operands; ++i) path.operands[i] = use(instr.arg[i + 1]);
  path.to = define(here());  // not to be written before the memory is known not to be refused
  look_up(x86::rax, instr, true, path.begin);
  a_.add(x86::rcx, x86::rax);
  switch (instr.op) {
    case Op::atomic_swap:
    case Op::atomic_add: exchange(instr, path); break;
    case Op::atomic_cas: compare_exchange(instr, path); break;
    default: update(instr, path);
  }
  a_.bind(path.back);
  path.exit = make_exit(ir::ExitKind::memory, 0).number;
  path.shared = shared_beyond();
  atomic_slow_paths_.push_back(path);
}

x86::Mem Compiler::updated_memory(const Instr& instr) { return {x86::rcx, 0, ir::bytes(instr.type)}; }

/// The old value comes to where the operand was.
void Compiler::exchange(const Instr& instr, const AtomicSlowPath& path) {
  const Gp part = sized(path.to, instr.type);
  a_.mov(path.to, path.operands[0]);
  if (instr.op == Op::atomic_swap) a_.xchg(updated_memory(instr), part);
  else a_.lock().xadd(updated_memory(instr), part);
}

/// In the accumulator the expected value becomes the old one, with zeros above.
void Compiler::compare_exchange(const Instr& instr, const AtomicSlowPath& path) {
  a_.mov(x86::rax, path.operands[0]);
  a_.lock().cmpxchg(updated_memory(instr), sized(path.operands[1], instr.type), sized(x86::rax, instr.type));
  a_.mov(path.to, x86::rax);
}

/// And, or, exclusive or: one instruction where nobody wants the old value, else a loop around the exchange.
void Compiler::update(const Instr& instr, const AtomicSlowPath& path) {
  const Inst::Id id = instr.op == Op::atomic_and  ? Inst::kIdAnd
                      : instr.op == Op::atomic_or ? Inst::kIdOr
                                                  : Inst::kIdXor;
  const x86::Mem where = updated_memory(instr);
  const Gp operand = sized(path.operands[0], instr.type);
  if (note(here()).last_use == 0) {
    a_.lock().emit(id, where, operand);
    return;
  }
  const Label again = a_.newLabel();
  load_from(where, instr.type, static_cast<int8_t>(path.to.id()));
  a_.mov(x86::rax, path.to);
  a_.bind(again);
  a_.mov(x86::rdx, x86::rax);
  a_.emit(id, sized(x86::rdx, instr.type), operand);
  a_.lock().cmpxchg(where, sized(x86::rdx, instr.type), sized(x86::rax, instr.type));
  a_.jne(again);
  a_.mov(path.to, x86::rax);
}

void Compiler::write_slow_path(const AtomicSlowPath& path) {
  const Instr& instr = *path.instr;
  a_.bind(path.begin);
  for (unsigned i = 0; i + 1u < ir::info(instr.op).operands; ++i)
    a_.mov(x86::ptr(x86::rsp, Frame::scratch + static_cast<int32_t>(8 * i)), path.operands[i]);
  a_.mov(x86::ecx, interp::AtomicShape{instr.op, instr.type, static_cast<ir::Space>(instr.imm)}.packed());
  a_.mov(x86::rdx, data(offsetof(CodeData, code)));
  a_.call(x86::ptr(x86::rsp, Frame::thunk(Frame::slow_atomic), 8));
  a_.jz(exit_labels_[path.exit].first);
  a_.mov(path.to, x86::ptr(x86::rsp, Frame::scratch, 8));
  forget_shared(path.shared);
  a_.jmp(path.back);
}

}  // namespace strata::codegen::x64

// Atomic updates: behind the same look into the TLB as a store's, the host's own atomic instruction.
#include "codegen/interp/single_step.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

void Compiler::atomic(const Instr& instr) {
  if (const Gp address = address_of(instr.arg[0]); address != x86::rax) a_.mov(x86::rax, address);
  general_.pinned = 0;  // the address needs no other register any more
  Update with;
  const unsigned operands = ir::info(instr.op).operands - 1u;
  for (unsigned i = 0; i < operands; ++i) with.operands[i] = use(instr.arg[i + 1]);
  with.to = define(here());  // not to be written before the memory is known not to be refused
  ExitPlace& exit = make_access(ExitPlace::Way::update, x86::rax, ir::bytes(instr.type), instr.imm);
  exit.access.update = {.op = static_cast<uint8_t>(instr.op), .type = static_cast<uint8_t>(instr.type), .operands = {}};
  for (unsigned i = 0; i < operands; ++i) exit.access.update.operands[i] = static_cast<uint8_t>(with.operands[i].id());
  exit.value = with.to.id() & 15;
  look_up(x86::rax, instr, true, last_place());
  a_.add(x86::rcx, x86::rax);
  switch (instr.op) {
    case Op::atomic_swap:
    case Op::atomic_add: exchange(instr, with); break;
    case Op::atomic_cas: compare_exchange(instr, with); break;
    default: update(instr, with);
  }
  exit.access.resume = here_in_code();
}

x86::Mem Compiler::updated_memory(const Instr& instr) { return {x86::rcx, 0, ir::bytes(instr.type)}; }

/// The old value comes to where the operand was.
void Compiler::exchange(const Instr& instr, const Update& with) {
  const Gp part = sized(with.to, instr.type);
  a_.mov(with.to, with.operands[0]);
  if (instr.op == Op::atomic_swap) a_.xchg(updated_memory(instr), part);
  else a_.lock().xadd(updated_memory(instr), part);
}

/// In the accumulator the expected value becomes the old one, with zeros above.
void Compiler::compare_exchange(const Instr& instr, const Update& with) {
  a_.mov(x86::rax, with.operands[0]);
  a_.lock().cmpxchg(updated_memory(instr), sized(with.operands[1], instr.type), sized(x86::rax, instr.type));
  a_.mov(with.to, x86::rax);
}

/// And, or, exclusive or: one instruction where nobody wants the old value, else a loop around the exchange.
void Compiler::update(const Instr& instr, const Update& with) {
  const Inst::Id id = instr.op == Op::atomic_and  ? Inst::kIdAnd
                      : instr.op == Op::atomic_or ? Inst::kIdOr
                                                  : Inst::kIdXor;
  const x86::Mem where = updated_memory(instr);
  const Gp operand = sized(with.operands[0], instr.type);
  if (note(here()).last_use == 0) {
    a_.lock().emit(id, where, operand);
    return;
  }
  const Label again = a_.newLabel();
  load_from(where, instr.type, static_cast<int8_t>(with.to.id()));
  a_.mov(x86::rax, with.to);
  a_.bind(again);
  a_.mov(x86::rdx, x86::rax);
  a_.emit(id, sized(x86::rdx, instr.type), operand);
  a_.lock().cmpxchg(where, sized(x86::rdx, instr.type), sized(x86::rax, instr.type));
  a_.jne(again);
  a_.mov(with.to, x86::rax);
}

}  // namespace strata::codegen::x64

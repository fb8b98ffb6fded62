// The float stack: an operation is the host's own instruction, its memory operand the host's.
#include "base/float_stack.h"

#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

namespace {

using float_stack::Operand;
using float_stack::Operation;

/// The IR's type of the same size, for the look into the TLB.
ir::Type type_of_size(unsigned size) {
  return size == 2 ? ir::Type::i16 : size == 4 ? ir::Type::i32 : size == 8 ? ir::Type::i64 : ir::Type::f80;
}

}  // namespace

bool Compiler::compile_float_stack(const Instr& instr) {
  switch (instr.op) {
    case Op::fstack: {
      const uint8_t bytes[] = {static_cast<uint8_t>(instr.imm >> 8), static_cast<uint8_t>(instr.imm)};
      a_.embed(bytes, sizeof bytes);
      return true;
    }
    case Op::fstack_compare: {
      const uint8_t bytes[] = {static_cast<uint8_t>(instr.imm >> 8), static_cast<uint8_t>(instr.imm)};
      a_.embed(bytes, sizeof bytes);
      const Gp to = define(here());
      a_.lahf();
      a_.movzx(x86::eax, x86::ah);
      a_.and_(x86::eax, ir::Flag::carry | ir::Flag::zero | ir::Flag::parity);
      a_.mov(to.r32(), x86::eax);
      return true;
    }
    case Op::fstack_memory: float_stack_memory(instr); return true;
    case Op::fstack_status: {
      const Gp to = define(here());
      a_.fnstsw(x86::ax);
      a_.movzx(to.r32(), x86::ax);
      return true;
    }
    case Op::fstack_control: {
      const Gp from = use(instr.arg[0]);
      a_.mov(x86::word_ptr(x86::rsp, Frame::scratch), from.r16());
      a_.fldcw(x86::word_ptr(x86::rsp, Frame::scratch));
      return true;
    }
    default: return false;
  }
}

void Compiler::float_stack_memory(const Instr& instr) {
  const auto operation = static_cast<Operation>(instr.imm);
  const Operand operand = float_stack::operand(operation);
  const Instr access{
      .op = Op::load, .type = type_of_size(float_stack::size(operand)), .imm = static_cast<uint32_t>(instr.imm) >> 16};
  const Gp address = address_of(instr.arg[0]);
  const Label miss = a_.newLabel(), back = a_.newLabel();
  look_up(address, access, float_stack::is_store(operand), miss);
  // Opcode and the reg field of ModRM, with [rcx] as operand.
  a_.add(x86::rcx, address);
  const uint8_t bytes[] = {static_cast<uint8_t>(operation >> 8), static_cast<uint8_t>((operation & 0x38) | 1)};
  a_.embed(bytes, sizeof bytes);
  a_.bind(back);
  float_stack_slow_paths_.push_back({miss, back, address, static_cast<uint32_t>(instr.imm),
                                     make_exit(ir::ExitKind::memory, 0).number, shared_beyond()});
}

void Compiler::write_slow_path(const FloatStackSlowPath& path) {
  a_.bind(path.begin);
  if (path.address != x86::rax) a_.mov(x86::rax, path.address);
  a_.mov(x86::ecx, path.imm);
  a_.mov(x86::rdx, data(offsetof(CodeData, code)));
  a_.call(x86::ptr(x86::rsp, Frame::thunk(Frame::slow_float_stack), 8));
  a_.jz(exit_labels_[path.exit].first);
  forget_shared(path.shared);
  a_.jmp(path.back);
}

}  // namespace strata::codegen::x64

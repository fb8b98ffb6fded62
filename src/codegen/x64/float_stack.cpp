// The float stack: an operation is the host's own instruction, its memory operand the host's.
#include "base/float_stack.h"

#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

namespace {

using float_stack::Operand;
using float_stack::Operation;

}  // namespace

bool Compiler::compile_float_stack(const Instr& instr) {
  switch (instr.op) {
    case Op::fstack: {
      const uint8_t bytes[] = {static_cast<uint8_t>(instr.imm >> 8), static_cast<uint8_t>(instr.imm)};
      a_.embed(bytes);
      return true;
    }
    case Op::fstack_compare: {
      const uint8_t bytes[] = {static_cast<uint8_t>(instr.imm >> 8), static_cast<uint8_t>(instr.imm)};
      a_.embed(bytes);
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
  const auto space = static_cast<ir::Space>(instr.imm >> 16);
  const unsigned size = float_stack::size(operand);
  const Gp address = address_of(instr.arg[0]);
  ExitPlace& exit = make_access(ExitPlace::Way::float_stack, address, size, space);
  exit.access.float_stack = static_cast<uint32_t>(instr.imm);
  look_up(address, size, space, float_stack::is_store(operand), last_place());
  // Opcode and the reg field of ModRM, with [rcx] as operand.
  a_.add(x86::rcx, address);
  const uint8_t bytes[] = {static_cast<uint8_t>(operation >> 8), static_cast<uint8_t>((operation & 0x38) | 1)};
  a_.embed(bytes);
  exit.access.resume = here_in_code();
}

}  // namespace strata::codegen::x64

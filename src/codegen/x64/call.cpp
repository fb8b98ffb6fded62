// Operations that the interpreter's steps do, and calls of helpers.
#include "base/assert.h"
#include "codegen/interp/single_step.h"
#include "codegen/x64/compiler.h"

namespace strata::codegen::x64 {

namespace {

template <class F>
const void* erase(F* function) {
  return reinterpret_cast<const void*>(function);
}

}  // namespace

/// A cell in which the operand stands, whatever it is.
uint16_t Compiler::operand_cell(Value value) {
  if (at(value).op == Op::constant || at(value).op == Op::vconstant) {
    if (note(value).cell == 0) {
      if (is_vector(value)) use_vector(value);
      else use(value);
    }
  }
  return static_cast<uint16_t>(cell_of(value));
}

/// Saves what the function is to see, or would lose; operands are put in place behind this.
void Compiler::begin_call(Sees sees) {
  a_.mov(x86::rdx, reinterpret_cast<uint64_t>(code_.get()));
  a_.call(x86::ptr(x86::rsp, Frame::thunk(sees == Sees::state ? Frame::save : Frame::spare), 8));
}

void Compiler::call_function(const void* function, Sees sees) {
  a_.mov(x86::rax, reinterpret_cast<uint64_t>(function));
  a_.call(x86::ptr(x86::rsp, Frame::thunk(sees == Sees::state ? Frame::call_and_load : Frame::call_and_restore), 8));
}

void Compiler::interpret(const Instr& instr) {
  uint16_t operands[4] = {};
  const unsigned count = ir::info(instr.op).operands;
  for (unsigned i = 0; i < count; ++i) operands[i] = operand_cell(instr.arg[i]);
  evict_lost_in_calls();
  assign_cell(here());
  const size_t begin = steps_.size();
  interp::append_operation(steps_, unit_, instr, static_cast<uint16_t>(note(here()).cell), operands);
  interp::append_end(steps_);
  const uint32_t first = share_steps(begin);
  begin_call(Sees::nothing);
  a_.mov(x86::rdi, reinterpret_cast<uint64_t>(&code_->steps));
  a_.mov(x86::rdi, x86::ptr(x86::rdi));
  a_.add(x86::rdi, static_cast<int32_t>(first * sizeof(interp::Step)));
  a_.lea(x86::rsi, state(0, 8));
  a_.lea(x86::rdx, x86::ptr(x86::rsp, Frame::cells));
  a_.inc(context(x86::rcx, offsetof(ir::ExecContext, single_steps)));
  call_function(erase(&interp::run_steps), Sees::nothing);
  bring_vectors_back();
}

void Compiler::call(const Instr& instr) {
  const ir::Helper& helper = *unit_.helpers[instr.imm];
  const Sees sees = helper.effect == ir::HelperEffect::pure ? Sees::nothing : Sees::state;
  const auto count = static_cast<unsigned>(helper.operands.size());
  for (unsigned i = 0; i < count; ++i)
    if (at(instr.arg[i]).op != Op::constant) operand_cell(instr.arg[i]);
  evict_lost_in_calls();
  if (sees == Sees::state) {
    evict_homes();
    bring_up_to_date();
  }
  begin_call(sees);
  const Gp words[] = {x86::rsi, x86::rdx, x86::rcx, x86::r8, x86::r9};
  const bool vector = ir::bits(helper.result) > 64;
  unsigned next = 0;
  if (helper.result != Type::none && is_vector_type(helper.result)) assign_cell(here());
  if (vector) a_.lea(words[next++], cell(note(here()).cell));
  for (unsigned i = 0; i < count; ++i, ++next) {
    const Value value = instr.arg[i];
    const unsigned bits = ir::bits(type_of(value));
    if (at(value).op == Op::constant) load_constant(words[next], at(value).imm);
    else if (bits > 64) a_.lea(words[next], cell(note(value).cell));
    else if (type_of(value) == Type::f32) a_.mov(words[next].r32(), cell(note(value).cell, 4));
    else a_.mov(words[next], cell(note(value).cell));
  }
  a_.mov(x86::rdi, x86::ptr(x86::rsp, Frame::context));
  call_function(erase(helper.function), sees);
  take_result(here(), helper.result);
  if (helper.effect == ir::HelperEffect::may_exit) {
    a_.cmp(context(x86::rcx, offsetof(ir::ExecContext, leave), 1), 0);
    make_place(ExitPlace::Way::exit, ir::ExitKind::leave).from_helper = 1;
    jump_to_stub(CondCode::kNE, last_place());
  }
  bring_vectors_back();
}

/// What a helper gives has anything above it.
void Compiler::take_result(Value value, Type type) {
  if (type == Type::none || ir::bits(type) > 64) return;
  if (is_vector_type(type)) {
    a_.mov(cell(note(value).cell), x86::rax);
    return;
  }
  const Gp to = define(value);
  switch (type) {
    case Type::i64: a_.mov(to.r64(), x86::rax); break;
    case Type::i16: a_.movzx(to.r32(), x86::ax); break;
    case Type::i32: a_.mov(to.r32(), x86::eax); break;
    default: a_.movzx(to.r32(), x86::al); break;
  }
}

}  // namespace strata::codegen::x64

// The float stack: each operation is a call of base/float_stack.h.
#include "base/float_stack.h"

#include "base/bits.h"
#include "codegen/interp/float_stack.h"
#include "codegen/interp/handlers.h"
#include "ir/flags.h"

namespace strata::codegen::interp {
namespace {

using float_stack::Operand;
using float_stack::Operation;

constexpr uint32_t compared = ir::Flag::carry | ir::Flag::zero | ir::Flag::parity;

Operation operation_of(const Step* step) { return static_cast<Operation>(step->imm); }

Next registers_handler(STRATA_STEP_PARAMS) {
  float_stack::run(operation_of(step));
  STRATA_NEXT_STEP(1);
}

Next compare_handler(STRATA_STEP_PARAMS) {
  write_any(float_stack::run_with_flags(operation_of(step), 0) & compared, step, state, frame);
  STRATA_NEXT_STEP(1);
}

Next memory_handler(STRATA_STEP_PARAMS) {
  if (!float_stack_access(*context, STRATA_ANY(uint64_t, a), static_cast<uint32_t>(step->imm)))
    return leave(STRATA_STEP_ARGS, ir::ExitKind::memory, 0);
  STRATA_NEXT_STEP(1);
}

Next status_handler(STRATA_STEP_PARAMS) {
  write_any(float_stack::status(), step, state, frame);
  STRATA_NEXT_STEP(1);
}

Next control_handler(STRATA_STEP_PARAMS) {
  float_stack::set_control(STRATA_ANY(uint16_t, a));
  STRATA_NEXT_STEP(1);
}

/// Where the page is not in the TLB. What a store takes off the stack is put back if the memory is refused.
bool access_slowly(ir::ExecContext& context, uint64_t address, Operation operation, Operand operand, ir::Space space) {
  std::byte bytes[16];
  if (!float_stack::is_store(operand)) {
    if (!context.memory->load(address, float_stack::size(operand), space, bytes)) return false;
    float_stack::run(operation, bytes);
    return true;
  }
  const float_stack::Image before = float_stack::take();
  float_stack::put(before);
  float_stack::run(operation, bytes);
  const bool done = context.memory->store(address, float_stack::size(operand), space, bytes);
  if (!done) float_stack::put(before);
  return done;
}

}  // namespace

bool float_stack_access(ir::ExecContext& context, uint64_t address, uint32_t imm) {
  const auto operation = static_cast<Operation>(imm);
  const auto space = static_cast<ir::Space>(imm >> 16);
  const Operand operand = float_stack::operand(operation);
  const ir::TlbEntry& entry = context.tlb[space]->at(address);
  const uint64_t page = ir::page_number(address + float_stack::size(operand) - 1);
  if (page != (float_stack::is_store(operand) ? entry.write : entry.read))
    return access_slowly(context, address, operation, operand, space);
  float_stack::run(operation, reinterpret_cast<void*>(address + entry.addend));
  return true;
}

Handler float_stack_handler(ir::Op op) {
  switch (op) {
    case ir::Op::fstack: return &registers_handler;
    case ir::Op::fstack_compare: return &compare_handler;
    case ir::Op::fstack_memory: return &memory_handler;
    case ir::Op::fstack_status: return &status_handler;
    default: return &control_handler;
  }
}

}  // namespace strata::codegen::interp

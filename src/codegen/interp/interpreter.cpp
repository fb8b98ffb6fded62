// Compiling to programs, and running them on frames on the host's stack.
#include "codegen/interp/interpreter.h"

#include <alloca.h>

#include <new>

#include "codegen/interp/lowering.h"
#include "codegen/interp/program.h"

namespace strata::codegen::interp {

std::unique_ptr<Code> Interpreter::compile(const ir::Unit& unit) {
  static thread_local Scratch scratch;
  return Lowering(unit, scratch).run();
}

ir::RunResult Interpreter::run(const Code& code, ir::ExecContext& context) {
  const auto& program = static_cast<const Program&>(code);
  const Program::Shape& shape = program.shape();
  // The size is bounded by max_unit_size, not by anything that the guest does.
  void* memory = alloca(sizeof(FrameHeader) + shape.cells * cell_bytes + alignof(FrameHeader));
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(memory) + alignof(FrameHeader) - 1) & -alignof(FrameHeader);
  auto* header = new (reinterpret_cast<void*>(aligned)) FrameHeader;
  header->program = &program;
  header->pc_offset = shape.pc_offset;
  run_steps(program.steps().data() + shape.entry, context.state, reinterpret_cast<std::byte*>(header + 1), context);
  return result_of(*header);
}

}  // namespace strata::codegen::interp

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

namespace {

ir::RunResult run_on(void* memory, const Program& program, ir::ExecContext& context) {
  const Program::Shape& shape = program.shape();
  auto* header = new (memory) FrameHeader;
  header->program = &program;
  header->pc_offset = shape.pc_offset;
  run_steps(program.steps().data(), context.state, reinterpret_cast<std::byte*>(header + 1), context);
  return result_of(*header);
}

/// The size is bounded by ir::max_unit_size, not by anything that the guest does.
[[gnu::noinline]] ir::RunResult run_on_large_frame(const Program& program, ir::ExecContext& context) {
  void* memory = alloca(sizeof(FrameHeader) + program.shape().cells * cell_bytes + alignof(FrameHeader));
  const uintptr_t aligned = (reinterpret_cast<uintptr_t>(memory) + alignof(FrameHeader) - 1) & -alignof(FrameHeader);
  return run_on(reinterpret_cast<void*>(aligned), program, context);
}

class ProgramRunner final : public Runner {
 public:
  /// Most units share a frame of one size: where it stands is then known before the unit is.
  ir::RunResult run(const Code& code, ir::ExecContext& context) override {
    constexpr unsigned usual_cells = 256;
    const auto& program = static_cast<const Program&>(code);
    if (program.shape().cells > usual_cells) [[unlikely]]
      return run_on_large_frame(program, context);
    alignas(FrameHeader) std::byte memory[sizeof(FrameHeader) + usual_cells * cell_bytes];
    return run_on(memory, program, context);
  }
};

}  // namespace

std::unique_ptr<Runner> Interpreter::make_runner() { return std::make_unique<ProgramRunner>(); }

}  // namespace strata::codegen::interp

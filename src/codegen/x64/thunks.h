// Pieces of host code that all translated code shares: ways in and out, and calls of the slow path.
#pragma once

#include "codegen/x64/code_memory.h"
#include "codegen/x64/homes.h"
#include "codegen/x64/jump_table.h"
#include "ir/runtime.h"

namespace strata::codegen::x64 {

/// One for all code of one layout.
class Thunks {
 public:
  Thunks(CodeMemory& memory, AllJumps& jumps, const Homes& homes);
  ~Thunks();
  Thunks(const Thunks&) = delete;

  const Homes& homes() const { return homes_; }
  CodeMemory& memory() const { return memory_; }  ///< in which the code stands
  AllJumps& jumps() const { return jumps_; }      ///< that it reads

  /// The number, as two words of which the upper is 0: what code adds to the count of instructions.
  const std::byte* count(unsigned number) const { return span_.run + counts_ + size_t{16} * (number - 1); }
  static constexpr unsigned most_counted = 64;

  /// Runs host code from `entry`, of units with that ir::Unit::data_space.
  ir::RunResult enter(const std::byte* entry, ir::ExecContext& context, ir::Space data_space) const {
    return reinterpret_cast<Enter>(span_.run)(entry, &context, data_space);
  }

 private:
  using Enter = ir::RunResult (*)(const std::byte* entry, ir::ExecContext* context, uint64_t data_space);

  CodeMemory& memory_;
  AllJumps& jumps_;
  Homes homes_;
  uint32_t counts_ = 0;  ///< offset of the first of them
  CodeSpan span_;
};

}  // namespace strata::codegen::x64

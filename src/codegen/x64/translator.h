// The translator: a back end that turns units into host code for x86-64.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "codegen/backend.h"
#include "codegen/x64/code_memory.h"
#include "codegen/x64/compiler.h"
#include "codegen/x64/host_features.h"
#include "codegen/x64/jump_table.h"
#include "codegen/x64/thunks.h"

namespace strata::codegen::x64 {

/// One a vCPU. Code that it made must not outlive it.
class Translator final : public Backend {
 public:
  /// Code that needs no more of the host than that.
  explicit Translator(const HostFeatures& host = HostFeatures::of_this_host()) : host_(host) {}

  std::string_view name() const override { return "jit"; }
  bool relocates() const override { return true; }
  std::unique_ptr<Code> compile(const ir::Unit& unit) override;
  ir::RunResult run(const Code& code, ir::ExecContext& context) override;
  void set_jump(uint64_t pc, Code& code) override;
  void forget_returns() override { jumps_.forget_returns(); }

 private:
  const Thunks& thunks_for(const ir::StateLayout& layout);

  const HostFeatures host_;
  CodeMemory memory_;
  JumpTables jumps_;
  /// One for each layout met, which is one in a machine.
  std::vector<std::pair<const ir::StateLayout*, std::unique_ptr<Thunks>>> thunks_;
  std::unique_ptr<Compiler::Workspace> workspace_ = std::make_unique<Compiler::Workspace>();
};

}  // namespace strata::codegen::x64

// The translator: a back end that turns units into host code for x86-64.
#pragma once

#include <cstdint>
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

class Translator final : public Backend {
 public:
  /// Code that needs no more of the host than that, and may be run by so many.
  explicit Translator(const HostFeatures& host = HostFeatures::of_this_host(), Sharing sharing = Sharing::alone)
      : host_(host), sharing_(sharing) {}

  std::string_view name() const override { return "jit"; }
  bool relocates() const override { return true; }
  std::unique_ptr<Code> compile(const ir::Unit& unit) override;
  std::unique_ptr<Runner> make_runner() override;

 private:
  const Thunks& thunks_for(const ir::StateLayout& layout);

  const HostFeatures host_;
  const Sharing sharing_;
  CodeMemory memory_;
  AllJumps jumps_;
  /// One for each layout met, which is one in a machine.
  std::vector<std::pair<const ir::StateLayout*, std::unique_ptr<Thunks>>> thunks_;
  std::unique_ptr<Compiler::Workspace> workspace_ = std::make_unique<Compiler::Workspace>();
};

}  // namespace strata::codegen::x64

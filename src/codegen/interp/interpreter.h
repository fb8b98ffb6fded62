// The interpreter: the reference back end, and what runs where there is no translator.
#pragma once

#include "codegen/backend.h"

namespace strata::codegen::interp {

/// May be used from any number of threads at a time: it keeps nothing between calls.
class Interpreter final : public Backend {
 public:
  std::string_view name() const override { return "interp"; }
  std::unique_ptr<Code> compile(const ir::Unit& unit) override;
  ir::RunResult run(const Code& code, ir::ExecContext& context) override;
};

}  // namespace strata::codegen::interp

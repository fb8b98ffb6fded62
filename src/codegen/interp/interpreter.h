// The interpreter: the reference back end, and what runs where there is no translator.
#pragma once

#include "codegen/backend.h"

namespace strata::codegen::interp {

/// It keeps nothing between calls, nor do its runners, and nothing changes its code.
class Interpreter final : public Backend {
 public:
  std::string_view name() const override { return "interp"; }
  std::unique_ptr<Code> compile(const ir::Unit& unit) override;
  std::unique_ptr<Runner> make_runner() override;
};

}  // namespace strata::codegen::interp

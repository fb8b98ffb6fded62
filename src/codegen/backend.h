// What turns units into something that runs: the interface of every code generator.
#pragma once

#include <memory>
#include <string_view>

#include "ir/runtime.h"
#include "ir/unit.h"

namespace strata::codegen {

/// A compiled unit. Deriving classes hold their own form of it.
class Code {
 public:
  virtual ~Code() = default;
  virtual size_t bytes() const = 0;  ///< host memory that it takes
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  /// The unit has been verified and has gone through the passes.
  virtual std::unique_ptr<Code> compile(const ir::Unit& unit) = 0;

  /// Runs the unit once from its entry. Guest faults are results; `context.insns` is brought up to date.
  virtual ir::RunResult run(const Code& code, ir::ExecContext& context) = 0;
};

}  // namespace strata::codegen

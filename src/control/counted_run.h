// Machines whose time is counted in instructions: --icount, and two of them side by side, --engine lockstep.
#pragma once

#include "base/result.h"
#include "control/machine_options.h"

namespace strata::control {

/// Runs to the end. The exit code as of run_machine(); where the machines of lockstep differ, an error that shows where.
[[nodiscard]] Result<int> run_counted(const MachineOptions& options);

}  // namespace strata::control

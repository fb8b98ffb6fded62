// strata run: a virtual machine in the foreground.
#pragma once

#include "base/result.h"
#include "control/machine_options.h"

namespace strata::control {

/// Runs it to its end. Gives the exit code: the guest's own where it gave one, 0 after a power-off or when the user
/// left, 124 after the timeout.
[[nodiscard]] Result<int> run_machine(const MachineOptions& options);

}  // namespace strata::control

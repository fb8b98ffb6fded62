// Keeps this program's file out of the containers' reach.
#pragma once

#include "base/result.h"

namespace strata::oci {

/// A container that has the runtime run itself (a program that is a link to /proc/self/exe) could open the runtime's file
/// by /proc/PID/exe, and write to it (CVE-2019-5736). So the runtime runs from where nobody can write: its own file on a
/// read-only mount that is attached nowhere, or a sealed copy in memory where making mounts is not allowed. Starts the
/// program again from there; comes back if it runs from there already.
[[nodiscard]] Result<void> guard_own_program(char** argv);

}  // namespace strata::oci

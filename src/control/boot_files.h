// What a machine boots, read from the user's files.
#pragma once

#include "base/result.h"
#include "control/machine_options.h"
#include "machine/pc/pc.h"

namespace strata::control {

/// Kernel, initrd and command line. The error names the file.
[[nodiscard]] Result<machine::pc::DirectBoot> read_boot_files(const MachineOptions& options);

}  // namespace strata::control

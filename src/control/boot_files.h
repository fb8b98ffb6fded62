// What a machine boots, read from the user's files.
#pragma once

#include <string_view>

#include "base/result.h"
#include "control/machine_options.h"
#include "machine/pc/pc.h"

namespace strata::control {

/// Kernel, initrd with another archive behind it, and command line. The error names the file.
[[nodiscard]] Result<machine::pc::DirectBoot> read_boot_files(const MachineOptions& options,
                                                              std::string_view initrd_end = {});

}  // namespace strata::control

// The command line of strata-oci: the words of runc's and crun's, which engines use.
#pragma once

#include "base/result.h"

namespace strata::oci {

/// Runs one command and gives the exit code.
[[nodiscard]] int run_command_line(int argc, char** argv);
/// Prints the error for people, and gives the exit code for it.
int report(const Error& error);

}  // namespace strata::oci

// The two things that this program is: the first process of a container, and the first one of a machine.
#pragma once

namespace strata::init {

/// From the first instruction to the last. `arguments` and `environment` end with a null pointer each.
[[noreturn]] void run_program(int count, char** arguments, char** environment);

/// `strata-init [--] PROGRAM [ARGUMENT…]`: runs it and ends as it ends. `arguments` begins behind our own name.
[[noreturn]] void run_container(char** arguments, char** environment);

/// /init of an initrd: makes a system of the machine's root disk as the file beside it says, runs what it says, and
/// switches the machine off.
[[noreturn]] void run_machine();

}  // namespace strata::init

// One program as a child, by a first process: signals go on to it, orphans are reaped, its end is told.
#pragma once

#include <cstdint>

#include "init/users.h"

namespace strata::init {

/// What happens in the child before the program.
struct Program {
  char** arguments;  ///< the program first, looked for in the environment's PATH if it has no slash
  char** environment;
  const char* directory = nullptr;     ///< none: the present one
  const Identity* identity = nullptr;  ///< none: the present one
  bool own_session = false;  ///< it leads a session whose terminal is standard input; else only a process group
  /// What takes its turn while the program runs: called when this many seconds are over, tells after how many it wants to
  /// be called again. 0: never.
  long first_turn = 0;
  long (*turn)() = nullptr;
};

/// Runs it and waits for its end, reaping whoever dies meanwhile. Gives its exit code: 128 + n for signal n, and as shells
/// have it 127 for a program that is not there, 126 for one that cannot be run.
int supervise(const Program& program);

}  // namespace strata::init

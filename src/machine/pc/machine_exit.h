// Why a machine's run came to its end.
#pragma once

#include <cstdint>
#include <string>

namespace strata::machine::pc {

enum class MachineExitReason : uint8_t {
  stopped,     ///< stop() asked for it; run() goes on from here
  power_off,   ///< the guest switched the machine off
  reset,       ///< the guest asked for a reset: reset() and run() again, or end
  debug_exit,  ///< isa-debug-exit: `code` is the program's exit code
  halted,      ///< all processors halted with interrupts off: nothing can wake them
  shutdown,    ///< triple fault; `message` has the processor's state
  failed,      ///< the host could not go on; `message` says why
};

struct MachineExit {
  MachineExitReason reason = MachineExitReason::stopped;
  uint32_t code = 0;
  std::string message = {};
};

}  // namespace strata::machine::pc

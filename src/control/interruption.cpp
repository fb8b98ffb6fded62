// Signals by a descriptor.
#include "control/interruption.h"

#include <sys/signalfd.h>

#include <csignal>

namespace strata::control {

Result<UniqueFd> interruption() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  UniqueFd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("waiting for signals");
  return fd;
}

}  // namespace strata::control

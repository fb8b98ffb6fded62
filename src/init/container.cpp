// The first process of a container.
#include "init/message.h"
#include "init/program.h"
#include "init/supervise.h"
#include "init/system_call.h"

#include <sys/prctl.h>

namespace strata::init {

void run_container(char** arguments, char** environment) {
  if (*arguments != nullptr && std::string_view(*arguments) == "--") arguments++;
  if (*arguments == nullptr) {
    complain("usage", "", "strata-init [--] PROGRAM [ARGUMENT...]");
    sys::exit(2);
  }
  // Where others share the container's processes it is not the first one, and orphans would pass it by.
  if (sys::own_pid() != 1) sys::process_control(PR_SET_CHILD_SUBREAPER, 1);
  sys::exit(supervise({.arguments = arguments, .environment = environment}));
}

}  // namespace strata::init

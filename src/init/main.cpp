// Chooses: a kernel starts the first program of its initrd as /init, whoever else starts this one wants a program run.
#include <string_view>

#include "init/program.h"
#include "init/system_call.h"

namespace strata::init {

void run_program(int count, char** arguments, char** environment) {
  const bool first_of_machine = sys::own_pid() == 1 && count > 0 && std::string_view(arguments[0]) == "/init";
  if (first_of_machine) run_machine();
  run_container(arguments + (count > 0 ? 1 : 0), environment);
}

}  // namespace strata::init

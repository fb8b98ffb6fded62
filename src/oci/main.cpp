// strata-oci: an OCI runtime, for podman, containerd and whoever else calls one.
#include "oci/command_line.h"
#include "oci/own_program.h"

#include <string_view>

int main(int argc, char** argv) {
  // Before anything else: what follows may be run under the eyes of a container. Not so a supervisor, which stays outside
  // of all containers and shares its file's memory with the others.
  const bool supervisor = argc > 1 && std::string_view(argv[1]) == "supervise";
  if (supervisor) return strata::oci::run_command_line(argc, argv);
  if (const auto guarded = strata::oci::guard_own_program(argv); !guarded) return strata::oci::report(guarded.error());
  return strata::oci::run_command_line(argc, argv);
}

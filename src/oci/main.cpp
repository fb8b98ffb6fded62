// strata-oci: an OCI runtime, for podman, containerd and whoever else calls one.
#include "oci/command_line.h"
#include "oci/own_program.h"

int main(int argc, char** argv) {
  // Before anything else: what follows may be run under the eyes of a container.
  if (const auto guarded = strata::oci::guard_own_program(argv); !guarded) return strata::oci::report(guarded.error());
  return strata::oci::run_command_line(argc, argv);
}

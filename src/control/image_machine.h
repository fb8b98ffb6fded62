// A machine from an image: whose kernel it has, which disk, and what runs on it.
#pragma once

#include <string>

#include "base/result.h"
#include "control/machine_options.h"

namespace strata::control {

struct ImageMachine {
  MachineOptions options;       ///< with kernel, initrd, command line and disk
  std::string initrd_end;       ///< goes behind the initrd: our first process and what it is told; empty: not ours
  bool is_one_program = false;  ///< the machine is there for one program, whose exit code it ends with
};

/// Of an image's name in `asked`, or `asked` as it is without one. May make the image's disk and fetch a kernel, with
/// progress on the terminal. A run never changes an image: its disk is a snapshot.
[[nodiscard]] Result<ImageMachine> machine_of_image(MachineOptions asked);

/// The file that tells the first process what to do (docs/formats/init.md).
struct InitSpec {
  std::string init;  ///< of the image, to become the first process; empty: the program runs under ours
  Program program;
  std::string hostname;
  bool network = true;
  bool terminal = false;
};
[[nodiscard]] std::string write_init_spec(const InitSpec& spec);

}  // namespace strata::control

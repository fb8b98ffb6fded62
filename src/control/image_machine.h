// A machine from an image: whose kernel it has, which disk, and what runs on it.
#pragma once

#include <string>
#include <string_view>

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

/// The virtio consoles of a program's machine by the guest's names, in the order in which they are plugged in. Standard
/// input and output are the first; errors go to the other one where nobody sits at a terminal.
inline constexpr std::string_view program_console = "/dev/hvc0", errors_console = "/dev/hvc1";

/// The file that tells the first process what to do (docs/formats/init.md).
struct InitSpec {
  std::string init;  ///< of the image, to become the first process; empty: the program runs under ours
  Program program;
  std::string hostname;
  bool network = true;
  bool terminal = false;  ///< somebody types at the console
  bool consoles = true;   ///< the machine has them: program_console and errors_console
  unsigned rows = 0, columns = 0;
};
[[nodiscard]] std::string write_init_spec(const InitSpec& spec);

}  // namespace strata::control

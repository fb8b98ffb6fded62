// What a user can ask of a virtual machine, and the one table through which command line and TOML say it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/net_choice.h"
#include "control/option_table.h"
#include "control/program_choice.h"

namespace strata::control {

enum class EngineChoice : uint8_t {
  automatic,
  kvm,
  jit,
  interp,
  lockstep,  ///< jit beside interp, held against it
};

struct DiskChoice {
  std::string path;
  bool read_only = false;
  bool snapshot = false;
};

enum class ConsoleChoice : uint8_t { stdio, none };

/// What of an image boots.
enum class BootChoice : uint8_t {
  automatic,
  init,     ///< its own first process
  command,  ///< its command, under ours
};

/// What is printed of the translator's work.
struct TraceChoice {
  bool run = false;                 ///< a line for each unit that runs
  bool ir = false, code = false;    ///< of each unit as it is made
  std::optional<uint64_t> address;  ///< only of units that hold this guest virtual address
  bool any() const { return run || ir || code; }
};

struct MachineOptions {
  std::string image;  ///< a name in the image store, or empty: then the options below say all
  ProgramChoice program;
  BootChoice boot = BootChoice::automatic;
  std::optional<uint64_t> disk_bytes;  ///< of the disk that is made of an image's layers
  unsigned cpus = 1;
  uint64_t memory = uint64_t{1} << 30;
  EngineChoice engine = EngineChoice::automatic;
  std::string cpu = "strata64";
  std::string kernel;
  std::string initrd;
  std::optional<std::string> append;
  std::vector<DiskChoice> disks;
  std::vector<NetChoice> nets;
  ConsoleChoice console = ConsoleChoice::stdio;
  std::optional<uint64_t> timeout_seconds;
  bool stats = false;
  TraceChoice trace;
  bool perf_map = false;
  bool icount = false;  ///< time is counted in instructions
};

using MachineOption = Option<MachineOptions>;

[[nodiscard]] std::span<const MachineOption> machine_options();

/// Reads options out of a TOML file over what `options` has already. Keys are the options' names; repeated ones take
/// arrays too. The error names file, line and key.
[[nodiscard]] Result<void> read_machine_toml(const std::string& path, MachineOptions& options);

/// Whether they fit together: a kernel for an initrd, an image or a kernel at all.
[[nodiscard]] Result<void> check(const MachineOptions& options);

}  // namespace strata::control

// confine: leaves this process what carrying a container's network takes, and nothing else.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace strata::network::container {

struct Confinement {
  bool interfaces = false;       ///< goes on changing interfaces of a namespace that is this user namespace's own
  std::filesystem::path folder;  ///< where it removes its control socket at the end
};

/// No new privileges; capabilities but for ports below 1024 (and interfaces); no program can be run and no process begun
/// (seccomp); of the file system, /etc and what /etc/resolv.conf leads to can be read (Landlock, where the kernel has it).
[[nodiscard]] Result<void> confine(const Confinement& confinement);

}  // namespace strata::network::container

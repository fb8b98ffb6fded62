// Interfaces of the runtime's network namespace that become the container's: linux.netDevices.
#pragma once

#include "base/result.h"

#include <sys/types.h>

#include <map>
#include <string>

namespace strata::container {

/// Moves each interface (its name here, its name there) into the network namespace of a process and brings it up with the
/// addresses that it had: those of global scope that do not expire. Errors name the interface; one that has been moved is
/// the container's by then, and goes where the kernel sends it when the container ends. For a process of one thread.
[[nodiscard]] Result<void> move_net_devices(const std::map<std::string, std::string>& devices, pid_t process);

}  // namespace strata::container

// The lock that stands before all devices of a machine.
#pragma once

#include <mutex>

namespace strata::memory {

/// One lock for all devices of a machine: held around every device call, and by whoever changes a map.
using DeviceLock = std::recursive_mutex;

}  // namespace strata::memory

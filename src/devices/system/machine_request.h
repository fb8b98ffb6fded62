// What a guest asks of the machine as a whole by way of a device.
#pragma once

#include <cstdint>
#include <functional>

namespace strata::devices {

enum class MachineRequest : uint8_t { power_off, reset, debug_exit };

/// `code` is for debug_exit. Called with the device lock held, on the thread that made the access.
using RequestMachine = std::function<void(MachineRequest request, uint32_t code)>;

}  // namespace strata::devices

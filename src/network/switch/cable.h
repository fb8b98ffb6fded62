// open_cable: what a port's attachment says, opened.
#pragma once

#include <memory>

#include "base/event_loop.h"
#include "network/ports/port.h"
#include "network/ports/vxlan.h"
#include "network/switch/plan.h"

namespace strata::network {

/// REMOTE,vni=N[,port=N][,local=ADDRESS][,local-port=N]
[[nodiscard]] Result<ports::VxlanOptions> parse_vxlan(std::string_view text);

/// The cable of a port that is not unplugged. `loop` runs on another thread than the datapath. Errors name the port, what
/// is missing, and where it is a right, what works without.
[[nodiscard]] Result<std::unique_ptr<ports::Port>> open_cable(const PortPlan& port, EventLoop& loop);

}  // namespace strata::network

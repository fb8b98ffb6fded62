// How a board gets its processors: whoever makes them is handed what the board has wired for them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "iface/irq.h"
#include "iface/x86_registers.h"
#include "memory/address_space.h"

namespace strata::machine::pc {

/// All borrowed from the board, and outlives the processors.
struct VcpuWiring {
  memory::AddressSpace& memory;
  memory::PortSpace& ports;
  /// Of each processor. Its place is the APIC id, the first is that of the bootstrap processor.
  std::vector<iface::InterruptSource*> interrupts;
  std::function<uint64_t()> ticks;  ///< the time stamp counters that the local APICs' deadlines count in
  uint64_t tick_rate = 0;           ///< ticks a second
};

/// Makes all of one machine, so that they can share what they have in common.
using VcpuFactory = std::function<Result<std::vector<std::unique_ptr<iface::X86Vcpu>>>(const VcpuWiring&)>;

}  // namespace strata::machine::pc

// How a board gets its processor: whoever makes one is handed what the board has wired for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "iface/irq.h"
#include "iface/x86_registers.h"
#include "memory/address_space.h"

namespace strata::machine::pc {

/// All borrowed from the board, and outlives the processor.
struct VcpuWiring {
  memory::AddressSpace& memory;
  memory::PortSpace& ports;
  iface::InterruptSource& interrupts;
  std::function<uint64_t()> ticks;  ///< the time stamp counter that the local APIC's deadlines count in
  uint64_t tick_rate = 0;           ///< ticks a second
  unsigned number = 0;              ///< APIC id
};

using VcpuFactory = std::function<Result<std::unique_ptr<iface::X86Vcpu>>(const VcpuWiring&)>;

}  // namespace strata::machine::pc

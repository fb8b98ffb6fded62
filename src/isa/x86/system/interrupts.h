// Delivering exceptions and interrupts (SDM vol. 3, chapter 6).
#pragma once

#include "isa/guest.h"
#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

/// Delivers the event, or what becomes of it: a double fault, a shutdown. `return_rip` is what the handler returns to.
Next deliver(Cpu& cpu, Event event, uint64_t return_rip);

/// The same without the escalation: false when a fault came on the way, now in State::event. For INT n, whose faults
/// belong to the instruction.
bool try_deliver(Cpu& cpu, const Event& event, uint64_t return_rip);

/// For whoever sets IF: an interrupt that waited for it is looked for behind the running unit.
inline void notice_interrupts(Cpu& cpu) {
  if ((cpu.state.system_flags & Rflags::if_) && cpu.interrupts && cpu.interrupts->pending()) cpu.context->events |= 1;
}

}  // namespace strata::isa::x86

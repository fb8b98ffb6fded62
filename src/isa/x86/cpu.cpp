// How a processor begins: with everything but its room cleared.
#include "isa/x86/cpu.h"

namespace strata::isa::x86 {

// Then nothing stands between the two.
static_assert(sizeof(ir::BackendRoom) % alignof(State) == 0);

// Not in the class, where it would mean that the room is cleared too.
Cpu::Cpu() = default;

}  // namespace strata::isa::x86

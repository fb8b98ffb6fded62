// The helpers of the x87 instructions.
#pragma once

#include "ir/unit.h"

namespace strata::isa::x86::helpers {

// Those that wait raise #MF first where an unmasked exception does. With memory operands the translation has looked at
// that already, as it comes before faults of the operand.
extern const ir::Helper x87_register;  // (i8 opcode, i8 modrm): registers only
extern const ir::Helper x87_flags;     // (i8 opcode, i8 modrm, i32 flags) -> i32: FCMOVcc and FCOMI
extern const ir::Helper x87_load;      // (i16 opcode << 8 | reg, i64 low, i64 high, i64 linear): operand from memory
extern const ir::Helper x87_store;     // (i8 opcode, i8 reg, i64 linear, i8 size): result to memory
extern const ir::Helper fninit;
extern const ir::Helper fnclex;
extern const ir::Helper fnstsw;  // () -> i16
extern const ir::Helper fldcw;   // (i16)
// Environments (14 or 28 bytes, `bits` of operand size, `real` 1 for real and virtual-8086 mode) and whole states.
extern const ir::Helper fnstenv;  // (i64 linear, i8 bits, i8 real)
extern const ir::Helper fldenv;
extern const ir::Helper fnsave;
extern const ir::Helper frstor;

}  // namespace strata::isa::x86::helpers

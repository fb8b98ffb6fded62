// Operations of the float stack on guest memory, for all back ends whose hosts have one.
#pragma once

#include <cstdint>

#include "ir/runtime.h"

namespace strata::codegen::interp {

/// Does fstack_memory with this immediate. False: the memory was refused, and nothing has changed.
bool float_stack_access(ir::ExecContext& context, uint64_t address, uint32_t imm);

}  // namespace strata::codegen::interp

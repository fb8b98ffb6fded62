// Runs of string elements in host memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ir/runtime.h"

namespace strata::isa::x86::helpers {

/// Host memory of a guest address whose page the TLB knows as plain RAM for this access; nullptr otherwise.
std::byte* host_memory(ir::ExecContext& context, uint64_t address, ir::Space space, bool for_write);

/// Copies elements in guest order: the result of overlapping runs is that of one element after the other.
/// With `down`, `to` and `from` are the highest elements.
void move_run(std::byte* to, const std::byte* from, uint64_t elements, unsigned size, bool down);

/// `to` is the lowest element.
void fill_run(std::byte* to, uint64_t value, uint64_t elements, unsigned size);

}  // namespace strata::isa::x86::helpers

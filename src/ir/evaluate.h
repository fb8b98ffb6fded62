// What an operation gives for constant operands: the IR's integer arithmetic, written down once and plainly.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "ir/unit.h"

namespace strata::ir {

/// An integer as constants are kept: no bits above the type's width.
struct Constant {
  Type type = Type::none;
  uint64_t value = 0;
};

/// The flags (ir/flags.h) of a + b + carry, of a - b - borrow, and of a result; `type` is the operands'.
uint32_t flags_of_add(Type type, uint64_t a, uint64_t b, bool carry);
uint32_t flags_of_sub(Type type, uint64_t a, uint64_t b, bool borrow);
uint32_t flags_of_logic(Type type, uint64_t result);

/// The result of a pure integer, conversion or flags operation, cut to its type; nothing for any other operation.
std::optional<uint64_t> evaluate(const Instr& instr, std::span<const Constant> operands);

}  // namespace strata::ir

// How a C++ function becomes a helper that IR can call.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include "ir/unit.h"

namespace strata::isa::x86 {

/// Wraps uint64_t f(ExecContext&, words...), with one word for each type in `operands`; a v128 is a const Vec128*, and
/// a v128 result a Vec128* behind the context.
template <class... Words>
ir::Helper define_helper(std::string name, uint64_t (*function)(ir::ExecContext&, Words...), ir::Type result,
                         std::vector<ir::Type> operands, ir::HelperEffect effect = ir::HelperEffect::may_exit) {
  return {std::move(name), reinterpret_cast<ir::Helper::Function>(function), result, std::move(operands), effect};
}

}  // namespace strata::isa::x86

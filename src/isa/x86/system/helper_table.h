// How a C++ function becomes a helper that IR can call.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ir/unit.h"
#include "isa/x86/system/helpers.h"

namespace strata::isa::x86::helpers {

/// The function takes ExecContext& and a word for each operand, and gives a word.
template <class... Words>
ir::Helper define(std::string name, uint64_t (*function)(ir::ExecContext&, Words...), ir::Type result,
                  std::vector<ir::Type> operands, ir::HelperEffect effect = ir::HelperEffect::may_exit) {
  return {std::move(name), reinterpret_cast<ir::Helper::Function>(function), result, std::move(operands), effect};
}

}  // namespace strata::isa::x86::helpers

// The IR as text: printed for people, parsed for tests.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/unit.h"

namespace strata::ir {

/// One instruction a line. The form is described in docs/formats/ir.md; what is printed can be parsed.
std::string print(const Unit& unit);

/// Finds the helper of a name that a text calls; nullptr where there is none.
using FindHelper = const Helper* (*)(std::string_view name);

/// The layout and the helpers belong to the caller and must outlive the unit. The unit has been verified.
Result<Unit> parse(std::string_view text, const StateLayout& layout, FindHelper find_helper = nullptr);

}  // namespace strata::ir

// Figures as a table of aligned columns, for people.
#pragma once

#include <span>
#include <string>

#include "iface/figure.h"

namespace strata::control {

/// A line for each: name, value, note. Counts have commas between thousands.
[[nodiscard]] std::string figure_table(std::span<const iface::Figure> figures);

}  // namespace strata::control

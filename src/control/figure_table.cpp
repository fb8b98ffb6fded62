// The columns of the table, as wide as what stands in them.
#include "control/figure_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "control/quantity.h"

namespace strata::control {
namespace {

std::string with_commas(uint64_t value) {
  std::string text = fmt::format("{}", value);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string value_text(const iface::Figure& figure) {
  switch (figure.unit) {
    case iface::Figure::Unit::bytes: return format_bytes(figure.value);
    case iface::Figure::Unit::nanoseconds: return fmt::format("{:.3f} s", static_cast<double>(figure.value) * 1e-9);
    default: return with_commas(figure.value);
  }
}

}  // namespace

std::string figure_table(std::span<const iface::Figure> figures) {
  std::vector<std::string> values;
  size_t name_width = 0, value_width = 0;
  for (const iface::Figure& figure : figures) {
    values.push_back(value_text(figure));
    name_width = std::max(name_width, figure.name.size());
    value_width = std::max(value_width, values.back().size());
  }
  std::string table;
  for (size_t i = 0; i < figures.size(); ++i) {
    table += fmt::format("{:<{}}  {:>{}}", figures[i].name, name_width, values[i], value_width);
    if (!figures[i].note.empty()) table += "  " + figures[i].note;
    table += '\n';
  }
  return table;
}

}  // namespace strata::control

// A number with its name and unit, as `--stats` prints it.
#pragma once

#include <cstdint>
#include <string>

namespace strata::iface {

struct Figure {
  enum class Unit : uint8_t { count, bytes, nanoseconds };
  std::string name;  ///< indented by two spaces where it is a part of the one above
  uint64_t value = 0;
  Unit unit = Unit::count;
  std::string note = {};  ///< what follows from it, or what it counts
};

}  // namespace strata::iface

// What can be built: the Debian suites we know, their architectures and their kernels.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace strata::image {

struct Recipe {
  std::string name;  // of the image
  std::string suite;
  std::string architecture;
  std::string kernel_package;
  bool has_updates;  // the suite has -updates and -security beside it
};

[[nodiscard]] Result<Recipe> find_recipe(std::string_view source, std::string_view architecture);

}  // namespace strata::image

// What can be built: the Debian suites we know, their architectures and their kernels.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

struct Recipe {
  std::string name;  // of the image
  std::string suite;
  std::string architecture;
  std::string kernel_package;
  bool has_updates;                        // the suite has -updates and -security beside it
  std::vector<std::string> packages = {};  // that the user wants besides
};

[[nodiscard]] Result<Recipe> find_recipe(std::string_view source, std::string_view architecture);

// Whether it is a name that a Debian package may have (Debian Policy, 5.6.1); nothing else may reach apt.
[[nodiscard]] Result<void> check_package(std::string_view name);

}  // namespace strata::image

// The table of Debian suites, and how `debian:SUITE` with an architecture picks a line of it.
#include "image/recipe.h"

#include "image/image.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace strata::image {
namespace {

struct Suite {
  std::string_view name;
  std::string_view architecture;
  std::string_view kernel_package;
  bool has_updates;
};

// i386 has had no kernel of its own since trixie.
constexpr std::array suites{
    Suite{"bookworm", "amd64", "linux-image-cloud-amd64", true},
    Suite{"bookworm", "i386", "linux-image-686-pae", true},
    Suite{"trixie", "amd64", "linux-image-cloud-amd64", true},
    Suite{"forky", "amd64", "linux-image-cloud-amd64", false},
    Suite{"sid", "amd64", "linux-image-cloud-amd64", false},
};

std::string known_sources() {
  std::vector<std::string> names;
  for (const Suite& suite : suites) {
    std::string name = fmt::format("debian:{}", suite.name);
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Result<Recipe> find_recipe(std::string_view source, std::string_view architecture) {
  constexpr std::string_view distribution = "debian:";
  const std::string_view name =
      source.starts_with(distribution) ? source.substr(distribution.size()) : std::string_view{};
  std::vector<std::string_view> architectures;
  for (const Suite& suite : suites) {
    if (suite.name != name) continue;
    if (suite.architecture == architecture) {
      std::string image_name(source);
      if (architecture != "amd64") image_name.append("-").append(architecture);
      return Recipe{std::move(image_name), std::string(name), std::string(architecture),
                    std::string(suite.kernel_package), suite.has_updates};
    }
    architectures.push_back(suite.architecture);
  }
  if (architectures.empty()) return fail(ErrorCode::usage, "cannot build '{}': there are {}", source, known_sources());
  return fail(ErrorCode::usage, "cannot build {} for '{}': it has a kernel for {}", source, architecture,
              fmt::join(architectures, ", "));
}

Result<void> check_package(std::string_view name) {
  const auto allowed = [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0; };
  const bool good = name.size() >= 2 && allowed(static_cast<unsigned char>(name[0])) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return allowed(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.';
                    });
  if (!good) return fail(ErrorCode::usage, "'{}' is no name of a Debian package; one looks like python3", name);
  return {};
}

Result<std::string> name_of_build(std::string_view source, std::string_view architecture) {
  return STRATA_TRY(find_recipe(source, architecture)).name;
}

}  // namespace strata::image

// Where packages come from: the Debian mirror that the host's own apt is configured for.
#pragma once

#include "base/result.h"
#include "image/recipe.h"

#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

struct AptSources {
  std::vector<std::string> lines;    // of sources.list
  std::vector<std::string> options;  // of apt.conf, what the host needs to reach the mirror: proxies, date checks
  bool needs_certificates = false;   // a mirror is reached by https
};

// Reads the host's apt configuration, and writes it anew for the recipe's suite.
[[nodiscard]] Result<AptSources> host_apt_sources(const Recipe& recipe);

// The same from what apt prints: index targets as "URI|LABEL|COMPONENT" lines, and the dump of its configuration.
[[nodiscard]] Result<AptSources> parse_apt_sources(const Recipe& recipe, std::string_view targets,
                                                   std::string_view configuration);

}  // namespace strata::image

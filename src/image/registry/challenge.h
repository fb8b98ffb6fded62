// Challenges: what a server's header WWW-Authenticate asks for (RFC 9110, section 11.6.1).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

struct Challenge {
  std::string scheme;                             // in lower case: bearer, basic
  std::map<std::string, std::string> parameters;  // names in lower case: realm, service, scope

  // A parameter, or nothing at all.
  [[nodiscard]] std::string parameter(const std::string& name) const;

  bool operator==(const Challenge&) const = default;
};

// All that can be made out of one header. What is no challenge is passed over.
[[nodiscard]] std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace strata::image

// Credentials: who the user is to a registry, from the command line or from the files that podman and docker write.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace strata::image {

struct Credentials {
  std::string user;
  std::string password;
  std::string identity_token;  // in place of both: an OAuth 2 refresh token that the token server gave at login

  bool operator==(const Credentials&) const = default;
};

// "USER:PASSWORD"; a usage error if it is not.
[[nodiscard]] Result<Credentials> parse_credentials(std::string_view text);

// Those for a repository of a registry in the first of these files that has some: $REGISTRY_AUTH_FILE, which has to be
// there if it is set, $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json,
// $DOCKER_CONFIG/config.json or ~/.docker/config.json. The most precise entry counts: registry/team before registry.
[[nodiscard]] Result<std::optional<Credentials>> find_credentials(std::string_view registry,
                                                                  std::string_view repository);

// The value of a header Authorization.
[[nodiscard]] std::string basic_authorization(const Credentials& credentials);

}  // namespace strata::image

// strata image pull and push: the commands themselves.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace strata::control {

struct RegistryRequest {
  std::string credentials;  ///< USER:PASSWORD; empty: from the files that podman and docker use
  std::string ca_file;      ///< certificates to trust besides the host's
  bool insecure = false;    ///< any certificate, and plain HTTP
  int patience_seconds = 60;
  int retries = 4;
};

struct ImagePullRequest {
  std::string reference;  ///< debian:trixie, localhost:5000/team/app:1.0
  std::string platform;   ///< linux/amd64; empty: the host's
  RegistryRequest registry;
};

/// Shows progress on standard error, ends with NAME@DIGEST on standard output. Ctrl-C stops it; what has arrived is kept
/// for the next pull.
[[nodiscard]] Result<void> pull_image(const ImagePullRequest& request);

struct ImagePushRequest {
  std::string name;
  std::string destination;  ///< empty: the name
  RegistryRequest registry;
};

[[nodiscard]] Result<void> push_image(const ImagePushRequest& request);

}  // namespace strata::control

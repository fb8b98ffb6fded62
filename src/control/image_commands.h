// strata image build, list, rm: the commands themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace strata::control {

struct ImageBuildRequest {
  std::string source;  ///< debian:trixie
  std::string architecture = "amd64";
  std::string name;                   ///< empty: after source and architecture
  std::vector<std::string> packages;  ///< Debian packages besides those that make a system
  std::optional<uint64_t> disk_bytes;
  bool replace = false;
};

/// Shows progress on standard error, ends with the image's name on standard output. Ctrl-C stops it and leaves nothing.
[[nodiscard]] Result<void> build_image(const ImageBuildRequest& request);

/// A table, or with `json` an array of objects.
[[nodiscard]] Result<void> list_images(bool json);

[[nodiscard]] Result<void> remove_image(const std::string& name);

}  // namespace strata::control

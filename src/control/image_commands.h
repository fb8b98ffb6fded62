// strata image build, list, show, rm, import, export, gc: the commands themselves.
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

/// What the image is: its config, layers, and the forms that it has here.
[[nodiscard]] Result<void> show_image(const std::string& name, bool json);

[[nodiscard]] Result<void> remove_image(const std::string& name);

/// An OCI layout, an archive of one or by `docker save`, or a root file system (archive or folder). Shows progress on
/// standard error, ends with the image's name on standard output.
[[nodiscard]] Result<void> import_image(const std::string& source, const std::string& name);
/// An OCI layout: an archive if `target` ends with .tar, else a folder.
[[nodiscard]] Result<void> export_image(const std::string& name, const std::string& target);

/// Removes what no image and no container has, and says how much that was.
[[nodiscard]] Result<void> collect_images();

}  // namespace strata::control

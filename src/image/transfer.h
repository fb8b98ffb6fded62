// Images from files and to files: OCI layouts, docker's archives, archives and folders of a root file system.
#pragma once

#include "base/result.h"
#include "image/image.h"

#include <filesystem>
#include <string>

namespace strata::image {

struct ImportOptions {
  std::filesystem::path source;
  std::string name = {};  // empty: what the layout says; a root file system needs one
  int cancel_fd = -1;
};

// What `source` is decides: a folder with `oci-layout` or an archive of such, an archive by `docker save`, else a root file
// system (an archive, also compressed, or a folder), which becomes an image of one layer. All digests are verified.
[[nodiscard]] Result<Image> import_image(const ImportOptions& options, const ProgressFn& on_progress = {});

// Writes an OCI layout (image specification, image-layout.md): an archive if `target` ends with .tar, else a folder, which
// must not be there or be empty. The same image gives the same bytes, and importing it gives the same image. Nothing is left
// of what fails.
[[nodiscard]] Result<void> export_image(std::string_view name, const std::filesystem::path& target,
                                        const ProgressFn& on_progress = {}, int cancel_fd = -1);

}  // namespace strata::image

// Images in folders: OCI layouts and what `docker save` writes, once its archive is unpacked.
#pragma once

#include "base/result.h"
#include "image/blobs.h"
#include "image/image.h"

#include <filesystem>
#include <string>

namespace strata::image {

struct ImportedLayout {
  Digest manifest;
  std::string name;  // that the layout gives it; may be empty
};

// `folder` is another's: names in it are not followed out of it, and all content is verified.
[[nodiscard]] Result<ImportedLayout> import_oci_layout(const BlobStore& store, const std::filesystem::path& folder,
                                                       const ProgressFn& on_progress, int cancel_fd);
[[nodiscard]] Result<ImportedLayout> import_docker_archive(const BlobStore& store, const std::filesystem::path& folder,
                                                           int cancel_fd);

}  // namespace strata::image

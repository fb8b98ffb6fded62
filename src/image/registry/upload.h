// Uploading one blob.
#pragma once

#include "base/result.h"
#include "image/blobs.h"
#include "image/oci_image.h"
#include "image/registry/client.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace strata::image {

enum class UploadWay { there_already, mounted, sent };

// Brings a blob of the store to the registry, unless it has it: by a mount from `mount_from`, a repository of the same
// registry that may have it, else by sending it, over as many connections as it takes. `sent` counts as bytes go.
[[nodiscard]] Result<UploadWay> upload(RegistryClient& client, const BlobStore& store, const Descriptor& descriptor,
                                       const std::optional<std::string>& mount_from, std::atomic<std::uint64_t>& sent);

}  // namespace strata::image

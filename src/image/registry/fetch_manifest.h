// Finding the manifest that a reference means, for one platform.
#pragma once

#include "base/result.h"
#include "image/blobs.h"
#include "image/oci_image.h"
#include "image/registry/client.h"

#include <optional>
#include <string>

namespace strata::image {

struct FetchedManifest {
  Digest digest;
  std::string document;  // the bytes that have the digest
  Manifest manifest;
};

// Follows an index to the manifest of the platform. What the store has already is not fetched again. Whatever comes is
// held against its digest.
[[nodiscard]] Result<FetchedManifest> fetch_manifest(RegistryClient& client, const BlobStore& store,
                                                     const Platform& platform);

}  // namespace strata::image

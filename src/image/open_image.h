// An image of layers with its documents read and held against each other.
#pragma once

#include "base/result.h"
#include "image/blobs.h"
#include "image/image.h"
#include "image/oci_image.h"

namespace strata::image {

struct OciImage {
  Digest digest;  // of the manifest
  Manifest manifest;
  ImageConfig config;

  // Of the compressed layers.
  [[nodiscard]] std::uint64_t layer_bytes() const;
};

// Reads manifest and config. That there are as many layers as diff_ids is checked; that their blobs are there is not.
[[nodiscard]] Result<OciImage> open_image(const BlobStore& store, const Digest& manifest);
// An image that has only a disk is an error (unsupported).
[[nodiscard]] Result<OciImage> open_image(const BlobStore& store, const Image& image);

}  // namespace strata::image

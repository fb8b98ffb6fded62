// Downloading one blob.
#pragma once

#include "base/result.h"
#include "image/oci_image.h"
#include "image/registry/arriving_blob.h"
#include "image/registry/client.h"

#include <atomic>
#include <cstdint>

namespace strata::image {

// A writer for the blob as soon as no other process is at it, or nothing if the store has it. Ends with `cancelled`.
[[nodiscard]] Result<std::optional<BlobWriter>> begin_blob(const BlobStore& store, const Descriptor& descriptor,
                                                           const std::vector<int>& cancel_fds);

// Brings the rest of a blob, over as many connections as it takes, and commits it. `arrived` counts as bytes come.
// Whatever fails leaves what has come, to go on with, unless that is what is wrong.
[[nodiscard]] Result<void> download(RegistryClient& client, const Descriptor& descriptor, ArrivingBlob& blob,
                                    std::atomic<std::uint64_t>& arrived);

}  // namespace strata::image

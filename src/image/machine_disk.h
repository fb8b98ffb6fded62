// The disk of a machine whose image has only layers: made when it is first needed, and kept.
#pragma once

#include "base/result.h"
#include "image/image.h"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace strata::image {

struct MachineDiskOptions {
  std::optional<std::uint64_t> bytes = {};  // nothing: 4 GiB, or twice what is in the layers if that is more
  int cancel_fd = -1;                       // when it becomes readable, the error is `cancelled`
};

// A raw, sparse disk that is one ext4 file system with the files of all layers. It stands in the image's folder under a
// name that says of which manifest it is and how large, so that a disk of other layers is never taken for it; another one
// that was made before goes. Files have the owners that the image says, as far as this user's layers have (layers.h).
[[nodiscard]] Result<std::filesystem::path> machine_disk(const Image& image, const MachineDiskOptions& options,
                                                         const ProgressFn& on_progress = {});

}  // namespace strata::image

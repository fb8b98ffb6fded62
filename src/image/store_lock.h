// Where the store is, and its lock: shared by all who use it, held alone by who removes what nobody refers to.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <filesystem>

namespace strata::image {

// $XDG_DATA_HOME/strata: blobs, layers, images, containers are below it.
[[nodiscard]] Result<std::filesystem::path> store_root();

// Held as long as the descriptor lives. Waits while somebody removes.
[[nodiscard]] Result<UniqueFd> share_store();
// The error `busy` where anybody uses the store.
[[nodiscard]] Result<UniqueFd> own_store();

}  // namespace strata::image

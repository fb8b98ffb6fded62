// Unpacks one layer (a tar archive of changes) into a folder that overlayfs can use.
#pragma once

#include "base/result.h"
#include "image/layer_stream.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace strata::image {

struct UnpackLimits {
  std::uint64_t bytes = std::uint64_t{1} << 40;  // of files' content; what is free on the disk is a limit too
  std::uint64_t entries = 10'000'000;
};

struct UnpackOptions {
  // Users and groups as the archive says. Otherwise all is the caller's own.
  bool owners = true;
  UnpackLimits limits = {};
  int cancel_fd = -1;
};

struct UnpackedLayer {
  std::uint64_t bytes = 0;  // of files' content
  std::uint64_t entries = 0;
  // Folders that the layer names nowhere but has files in, as paths without a leading slash ("" is the root). A lower
  // layer knows how they are; here they have root's ownership and mode 0755.
  std::vector<std::string> implied_directories = {};
};

// `root` is an empty folder. All of the archive is read, up to its last byte, so that the stream's digest is that of the
// layer. What stands in an archive cannot reach outside of `root`, whatever it names (each is an error, bad_data, or has no
// effect): `..`, absolute paths and links, symbolic links as parts of paths, hard links to what is not in the layer.
//
// - Whiteouts (image specification, layer.md) become those of overlayfs: a character device 0:0, and the attribute
//   "overlay.opaque" in trusted. or, where that is not allowed, in user.
// - Device nodes are left out: a container's devices come from the runtime, and 0:0 would be a whiteout.
// - Of the extended attributes, user.* and security.capability are kept; never those that overlayfs reads.
[[nodiscard]] Result<UnpackedLayer> unpack_layer(LayerStream& stream, int root, const UnpackOptions& options);

}  // namespace strata::image

// The root of a container, made from an image's layers.
#pragma once

#include "base/id_maps.h"
#include "base/result.h"
#include "image/image.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace strata::image {

enum class RootWay {
  automatic,  // the first of the following that works here
  overlay,    // the kernel's overlayfs, mounted by the runtime: layers are shared, writes go to the container's folder
  fuse_overlay,  // the same by the program fuse-overlayfs, mounted already when prepare_root returns
  copy,          // a copy of all layers, sharing blocks where the file system can
};

struct RootOptions {
  IdMaps maps = {};  // of the container's user namespace; empty: it has none
  RootWay way = RootWay::automatic;
  int cancel_fd = -1;  // when it becomes readable, the error is `cancelled`
};

// What config.json says: `root.path` is `root`; with `overlay`, the runtime mounts that there in the container's mount
// namespace ("strata": {"overlay": {"lower": […], "upper": "…", "work": "…"}}).
struct RootPlan {
  struct Overlay {
    std::vector<std::filesystem::path> lower;  // the topmost first
    std::filesystem::path upper;
    std::filesystem::path work;
  };
  RootWay way = RootWay::copy;  // never automatic
  std::filesystem::path root;
  std::optional<Overlay> overlay = {};
};

// containers/ in the store. What is below it keeps its layers from `gc`, and its image from `rm`.
[[nodiscard]] Result<std::filesystem::path> containers_directory();

// Unpacks the image's layers, unless they are already, and makes the root in `directory`, a folder of the container's
// own in containers_directory(). A container that was started before gets its root as it left it. An image that has no
// layers (machines only) is an error (unsupported).
[[nodiscard]] Result<RootPlan> prepare_root(const Image& image, const std::filesystem::path& directory,
                                            const RootOptions& options, const ProgressFn& on_progress = {});

// Unmounts what prepare_root mounted; the container's files stay. For when it has stopped.
[[nodiscard]] Result<void> release_root(const std::filesystem::path& directory);

// Removes `directory` with all that is in it, also where files belong to the container's own users.
[[nodiscard]] Result<void> remove_root(const std::filesystem::path& directory);

}  // namespace strata::image

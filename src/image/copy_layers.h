// Layers as one tree of plain files, for where no overlay can be mounted.
#pragma once

#include "base/id_maps.h"
#include "base/result.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace strata::image {

struct LayerTree {
  std::filesystem::path path;
  std::set<std::string> implied_directories = {};  // their attributes are those of a lower layer, where one has them
};

struct CopyOptions {
  bool owners = true;  // files keep their users, else all is the caller's
  IdMaps maps = {};    // users inside become those outside; empty: they stay as they are
  int cancel_fd = -1;
};

// Copies the layers, the lowest first, over each other into `target`, an empty folder. Whiteouts take effect, hard links
// stay such within a layer, blocks are shared where the file system can (FICLONE), holes stay holes.
[[nodiscard]] Result<void> copy_layers(const std::vector<LayerTree>& layers, const std::filesystem::path& target,
                                       const CopyOptions& options);

// Makes in `upper`, which becomes the topmost layer, the directories of which the topmost layer that has them only implies
// how they are. `upper` itself becomes as the root is.
[[nodiscard]] Result<void> correct_implied_directories(const std::vector<LayerTree>& layers,
                                                       const std::filesystem::path& upper, const CopyOptions& options);

}  // namespace strata::image

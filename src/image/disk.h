// The guest's disk: one ext4 file system that holds an archive's files, made without root and without mounting.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>

namespace strata::image {

// Unpacks the archive into the folder `tree`, which is made and stays, and makes the raw, sparse disk from it. Who owns
// a file is right on the disk, and wrong in the tree where we are not root.
[[nodiscard]] Result<void> make_disk(const std::filesystem::path& archive, const std::filesystem::path& tree,
                                     const std::filesystem::path& disk, std::uint64_t bytes, int cancel_fd);

struct DiskSize {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;  // that it has to hold at least
};

// Makes a disk from the files in `tree`, as this process sees their owners. For a machine that only reads it: there is no
// journal, as what a run writes is gone at its end.
[[nodiscard]] Result<void> make_disk_of_tree(const std::filesystem::path& tree, const std::filesystem::path& disk,
                                             const DiskSize& size, int cancel_fd);

}  // namespace strata::image

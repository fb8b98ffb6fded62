// root.json of a container's folder: which image and layers its root is made of.
#pragma once

#include "base/result.h"
#include "image/digest.h"
#include "image/rootfs.h"

#include <filesystem>
#include <string>
#include <vector>

namespace strata::image {

struct RootRecord {
  std::string image;  // its name when the root was made
  Digest manifest;
  std::vector<Digest> layers;  // diff_ids, the lowest first
  RootWay way = RootWay::copy;
};

[[nodiscard]] Result<void> write_record(const std::filesystem::path& directory, const RootRecord& record);
[[nodiscard]] Result<RootRecord> read_record(const std::filesystem::path& directory);
// Whether the container's root is made.
[[nodiscard]] bool has_record(const std::filesystem::path& directory);

struct ContainerRoot {
  std::string container;  // the folder's name
  RootRecord record;
};
// Of all containers of this user. A container whose record is damaged is an error: what it uses cannot be told.
[[nodiscard]] Result<std::vector<ContainerRoot>> container_roots();

}  // namespace strata::image

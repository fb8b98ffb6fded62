// Unpacked layers: one folder for each, shared by all images and containers that have it.
#pragma once

#include "base/id_maps.h"
#include "base/result.h"
#include "image/byte_source.h"
#include "image/image.h"
#include "image/open_image.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace strata::image {

// A layer's folder is named by its diff_id, as what is in it depends on nothing below: whiteouts are overlayfs's, and
// folders that the layer only implies are listed, for the container's own layer to correct (rootfs.cpp). So one layer
// under two images is unpacked once, and an image's layers are unpacked at the same time.
//
// Unpacking does not wait for the disk, which would take longer than all else. So until make_durable() a layer counts only
// as long as the host runs: after that, it may have lost what was on its way, and is unpacked again.
class LayerStore {
 public:
  // Layers of this user: root's have the owners that images say; an ordinary user's have those of his subordinate ids,
  // or are all his own where he has none.
  [[nodiscard]] static Result<LayerStore> open();

  // Where the layer's files are or would be.
  [[nodiscard]] std::filesystem::path tree(const Digest& diff_id) const { return folder(diff_id) / "tree"; }
  [[nodiscard]] bool has(const Digest& diff_id) const;
  // Waits until all layers are on the disk, so that they are taken for whole after the host's next start too: for `gc`.
  [[nodiscard]] Result<void> make_durable() const;
  // Directories that the layer implies (unpack.h).
  [[nodiscard]] Result<std::vector<std::string>> implied_directories(const Digest& diff_id) const;

  // Opens a layer's blob. Called where the unpacking is done: for users with subordinate ids that is a child process, and
  // the first call says that it has been started.
  using OpenLayer = std::function<Result<std::unique_ptr<ByteSource>>(const Descriptor& layer)>;

  // Unpacks those of the image's layers that are not there, several at a time, each under its name when it is whole and
  // its diff_id is verified.
  [[nodiscard]] Result<void> unpack(const OciImage& image, const OpenLayer& open_layer,
                                    const ProgressFn& on_progress = {}, int cancel_fd = -1) const;
  // The same with blobs that are in the store.
  [[nodiscard]] Result<void> unpack(const BlobStore& blobs, const OciImage& image, const ProgressFn& on_progress = {},
                                    int cancel_fd = -1) const;

  // Maps of an ordinary user; empty for root.
  [[nodiscard]] const IdMaps& maps() const { return maps_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  // Whether files have the users that images say.
  [[nodiscard]] bool has_owners() const { return maps_.empty() || maps_.users.size() > 1; }

  // Removes a layer's folder, or a staging folder of a dead process. For `gc`, which has the store for itself.
  [[nodiscard]] Result<void> remove(const std::filesystem::path& folder) const;
  // Runs the work as root of the layers' files: in a child, where these belong to subordinate ids.
  [[nodiscard]] Result<void> as_owner(const std::function<Result<void>()>& work) const;

 private:
  struct Job;
  LayerStore(std::filesystem::path directory, IdMaps maps) : directory_(std::move(directory)), maps_(std::move(maps)) {}
  std::filesystem::path folder(const Digest& diff_id) const;
  Result<void> unpack_jobs(std::vector<Job>& jobs, const OpenLayer& open_layer, const ProgressFn& on_progress,
                           int cancel_fd) const;
  Result<void> unpack_one(const Job& job, const OpenLayer& open_layer, int cancel_fd) const;

  std::filesystem::path directory_;  // layers/
  IdMaps maps_;
};

}  // namespace strata::image

// Marks what images and containers have, and sweeps the rest.
#include "image/collect.h"

#include "base/log.h"
#include "image/layers.h"
#include "image/open_image.h"
#include "image/root_record.h"
#include "image/staging.h"
#include "image/store.h"
#include "image/store_lock.h"

#include <sys/stat.h>

#include <optional>
#include <set>
#include <string>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

struct Marks {
  std::set<std::string> blobs;                  // names of files
  std::optional<std::set<std::string>> layers;  // diff_ids in hexadecimal; nothing: what containers have cannot be told
};

Result<std::string> read_blob(const fs::path& blobs, const Digest& digest) {
  return read_verified(blobs / digest.hex(), digest);
}

// What of an image can be read is kept, what cannot is of no use to anybody.
void mark_image(const fs::path& blobs, const Digest& digest, Marks& marks) {
  const auto text = read_blob(blobs, digest);
  const auto manifest = text ? read_manifest(*text) : tl::unexpected(text.error());
  if (!manifest) return log::warn("{}", manifest.error().message);
  marks.blobs.insert(digest.hex());
  marks.blobs.insert(manifest->config.digest.hex());
  for (const Descriptor& layer : manifest->layers) marks.blobs.insert(layer.digest.hex());
  const auto config_text = read_blob(blobs, manifest->config.digest);
  const auto config = config_text ? read_image_config(*config_text) : tl::unexpected(config_text.error());
  if (!config) return log::warn("{}", config.error().message);
  for (const Digest& diff_id : config->diff_ids) marks.layers->insert(diff_id.hex());
}

Result<Marks> mark(const fs::path& blobs) {
  Marks marks{.layers = std::set<std::string>()};
  for (const ImageInfo& info : STRATA_TRY(list()))
    if (info.manifest) mark_image(blobs, *info.manifest, marks);
  const auto roots = container_roots();
  if (!roots) {
    log::warn("unpacked layers stay, as it cannot be told who has them: {}", roots.error().message);
    marks.layers.reset();
    return marks;
  }
  for (const ContainerRoot& root : *roots)
    for (const Digest& layer : root.record.layers) marks.layers->insert(layer.hex());
  return marks;
}

std::uint64_t bytes_of(const fs::path& file) {
  struct stat status = {};
  return ::lstat(file.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512 : 0;
}

void sweep_blobs(const fs::path& blobs, const Marks& marks, Freed& freed) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(blobs, ignored)) {
    const std::string name = entry.path().filename().string();
    if (marks.blobs.contains(name)) continue;
    freed.bytes += bytes_of(entry.path());
    if (!fs::remove(entry.path(), ignored)) continue;
    ++(name.starts_with('.') ? freed.partials : freed.blobs);
  }
}

void sweep_layers(const LayerStore& layers, const Marks& marks, Freed& freed) {
  if (!marks.layers) return;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(layers.directory(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (marks.layers->contains(name.substr(0, name.find('.')))) continue;
    freed.bytes += stored_bytes_of(entry.path());
    if (auto removed = layers.remove(entry.path()); !removed) log::warn("{}", removed.error().message);
    else ++freed.layers;
  }
}

// Folders of dead processes, which are told by their locks.
Result<std::uint64_t> sweep_stagings(const LayerStore& layers) {
  const fs::path images = STRATA_TRY(store_directory());
  std::uint64_t bytes = sweep_dead_stagings(images) + sweep_dead_stagings(STRATA_TRY(store_root()) / "kernels");
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(images, ignored))
    bytes += sweep_dead_stagings(entry.path());  // of machines' disks
  STRATA_TRY(layers.as_owner([&]() -> Result<void> {
    bytes += sweep_dead_stagings(layers.directory());
    return {};
  }));
  return bytes;
}

}  // namespace

Result<Freed> collect_garbage() {
  const LayerStore layers = STRATA_TRY(LayerStore::open());
  Freed freed{.bytes = STRATA_TRY(sweep_stagings(layers))};
  const auto own = own_store();
  if (!own && own.error().code == ErrorCode::busy) {
    freed.store_was_in_use = true;
    return freed;
  }
  if (!own) return tl::unexpected(own.error());
  const fs::path blobs = STRATA_TRY(store_root()) / "blobs" / "sha256";
  const Marks marks = STRATA_TRY(mark(blobs));
  sweep_blobs(blobs, marks, freed);
  sweep_layers(layers, marks, freed);
  STRATA_TRY(layers.make_durable());
  return freed;
}

}  // namespace strata::image

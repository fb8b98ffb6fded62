// Brings the blobs of a layout into the store.
#include "image/layout_import.h"

#include "base/json_reader.h"
#include "base/path_in_root.h"
#include "image/copy_blob.h"
#include "image/layer_writer.h"
#include "image/names.h"
#include "image/open_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr int deepest_index = 4;

// Reads files of a folder, and nothing outside of it.
class Folder {
 public:
  static Result<Folder> open(const fs::path& path) {
    UniqueFd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return fail_errno("opening {}", path.string());
    return Folder(std::move(root));
  }

  Result<UniqueFd> open_file(const std::string& name) const {
    UniqueFd file = STRATA_TRY(open_in_root(root_.get(), name, O_RDONLY | O_NONBLOCK));
    struct stat status = {};
    if (::fstat(file.get(), &status) != 0) return fail_errno("{}", name);
    if (!S_ISREG(status.st_mode)) return fail(ErrorCode::bad_data, "{} is no file", name);
    return file;
  }

  Result<std::string> read_small(const std::string& name) const {
    const UniqueFd file = STRATA_TRY(open_file(name));
    std::string text(small_blob_limit + 1, '\0');
    std::size_t have = 0;
    while (have < text.size()) {
      const ssize_t count = ::read(file.get(), text.data() + have, text.size() - have);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("reading {}", name);
      if (count == 0) break;
      have += static_cast<std::size_t>(count);
    }
    if (have > small_blob_limit) return fail(ErrorCode::bad_data, "{} has more than {} bytes", name, small_blob_limit);
    text.resize(have);
    return text;
  }

 private:
  explicit Folder(UniqueFd root) : root_(std::move(root)) {}
  UniqueFd root_;
};

std::string blob_name(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

Result<void> copy_blob(const BlobStore& store, const Folder& folder, const Descriptor& blob, int cancel_fd) {
  auto writer = STRATA_TRY(store.begin(blob.digest, blob.size));
  if (!writer) return {};
  STRATA_TRY(writer->restart());
  const UniqueFd file = STRATA_TRY(folder.open_file(blob_name(blob.digest)));
  STRATA_TRY(read_blob(file.get(), blob, cancel_fd, [&](auto bytes) { return writer->write(bytes); }));
  return writer->commit();
}

std::string annotation(const Descriptor& descriptor, const char* name) {
  const auto found = descriptor.annotations.find(name);
  return found == descriptor.annotations.end() ? "" : found->second;
}

// The whole name if a tool gave it, else the tag alone, as ":1.0".
std::string name_of(const Descriptor& descriptor) {
  const std::string full = annotation(descriptor, "io.containerd.image.name");
  if (!full.empty() && parse_name(full)) return full;
  const std::string tag = annotation(descriptor, "org.opencontainers.image.ref.name");
  return tag.empty() ? "" : ":" + tag;
}

// Follows indexes of indexes to the manifest for this host.
Result<Descriptor> find_manifest(const Folder& folder) {
  const std::string first = STRATA_TRY(folder.read_small("index.json"));
  Index index = STRATA_TRY(read_index(first));
  std::string name;
  for (int depth = 0; depth < deepest_index; ++depth) {
    Descriptor chosen = STRATA_TRY(choose_platform(index, host_platform()));
    if (name.empty()) name = name_of(chosen);
    const std::string text = STRATA_TRY(folder.read_small(blob_name(chosen.digest)));
    if (Digest::of(text) != chosen.digest)
      return fail(ErrorCode::bad_data, "the content of {} is not what its digest says", chosen.digest.text());
    if (!is_index(text)) {
      chosen.annotations["name"] = name;
      return chosen;
    }
    index = STRATA_TRY(read_index(text));
  }
  return fail(ErrorCode::bad_data, "its indexes are more than {} deep", deepest_index);
}

struct SavedImage {
  std::string config;
  std::string name;
  std::vector<std::string> layers;
};

// manifest.json of `docker save` is a list, which has no reader as a document of its own.
Result<SavedImage> read_saved(const std::string& text) {
  return with_context(read_json_document<SavedImage>("{\"manifest\":" + text + "}",
                                                     [](const JsonReader& json) {
                                                       SavedImage image;
                                                       bool first = true;
                                                       json["manifest"].each([&](const JsonReader& entry) {
                                                         if (!std::exchange(first, false)) return;
                                                         image.config = entry["Config"].required().text();
                                                         image.layers = entry["Layers"].required().texts();
                                                         const auto tags = entry["RepoTags"].texts();
                                                         if (!tags.empty()) image.name = tags[0];
                                                       });
                                                       if (first) json["manifest"].complain("has no image");
                                                       return image;
                                                     }),
                      "manifest.json");
}

}  // namespace

Result<ImportedLayout> import_oci_layout(const BlobStore& store, const fs::path& path, const ProgressFn& on_progress,
                                         int cancel_fd) {
  const Folder folder = STRATA_TRY(Folder::open(path));
  const Descriptor descriptor = STRATA_TRY(find_manifest(folder));
  const std::string text = STRATA_TRY(folder.read_small(blob_name(descriptor.digest)));
  const Manifest manifest = STRATA_TRY(read_manifest(text));
  std::vector<Descriptor> blobs = manifest.layers;
  blobs.push_back(manifest.config);
  std::uint64_t total = 0;
  std::uint64_t done = 0;
  for (const Descriptor& blob : blobs) total += blob.size;
  for (const Descriptor& blob : blobs) {
    STRATA_TRY(copy_blob(store, folder, blob, cancel_fd));
    done += blob.size;
    if (on_progress)
      on_progress({"importing", static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(total, 1))});
  }
  const Digest digest = STRATA_TRY(store.put(text));
  STRATA_TRY(open_image(store, digest));
  return ImportedLayout{digest, descriptor.annotations.at("name")};
}

Result<ImportedLayout> import_docker_archive(const BlobStore& store, const fs::path& path, int cancel_fd) {
  const Folder folder = STRATA_TRY(Folder::open(path));
  const std::string saved_text = STRATA_TRY(folder.read_small("manifest.json"));
  const SavedImage saved = STRATA_TRY(read_saved(saved_text));
  const std::string config_text = STRATA_TRY(folder.read_small(saved.config));
  const ImageConfig config = STRATA_TRY(read_image_config(config_text));
  if (config.diff_ids.size() != saved.layers.size())
    return fail(ErrorCode::bad_data, "it has {} layers, its config {}", saved.layers.size(), config.diff_ids.size());
  Manifest manifest{.media_type = std::string(media_type::manifest),
                    .config = {.media_type = std::string(media_type::config), .size = config_text.size()}};
  for (std::size_t i = 0; i < saved.layers.size(); ++i) {
    UniqueFd file = STRATA_TRY(folder.open_file(saved.layers[i]));
    const auto source = file_source(std::move(file));
    const NewLayer layer = STRATA_TRY(write_layer(store, *source, cancel_fd));
    if (layer.diff_id != config.diff_ids[i])
      return fail(ErrorCode::bad_data, "the layer {} is not what the config says", saved.layers[i]);
    manifest.layers.push_back(layer.descriptor);
  }
  manifest.config.digest = STRATA_TRY(store.put(config_text));
  return ImportedLayout{STRATA_TRY(store.put(write_manifest(manifest))), saved.name};
}

}  // namespace strata::image

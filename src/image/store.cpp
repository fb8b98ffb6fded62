// Finding, listing, removing and publishing images in the store.
#include "image/store.h"

#include "base/json_reader.h"
#include "base/log.h"
#include "base/user_folders.h"
#include "image/blobs.h"
#include "image/names.h"
#include "image/open_image.h"
#include "image/registry/reference.h"
#include "image/root_record.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr int info_version = 2;  // version 1 had disks only

ImageInfo read_info(const JsonReader& json) {
  ImageInfo info{.suite = json["suite"].required().text(),
                 .architecture = json["architecture"].required().text(),
                 .kernel_release = json["kernel_release"].required().text(),
                 .command_line = json["command_line"].required().text(),
                 .created = json["created"].required().text(),
                 .disk_bytes = json["disk_bytes"].required().number<std::uint64_t>(),
                 .layer_bytes = json["layer_bytes"].number<std::uint64_t>()};
  if (const auto manifest = json["manifest"]) {
    const auto digest = Digest::parse(manifest.text());
    if (digest) info.manifest = *digest;
    else manifest.complain(digest.error().message);
  }
  return info;
}

Result<Image> load(const std::string& name, const fs::path& directory) {
  const fs::path path = directory / info_file;
  if (!fs::exists(path)) return fail(ErrorCode::bad_data, "image {} has no {}", name, info_file);
  auto info = read_json_document<ImageInfo>(STRATA_TRY(read_whole_file(path)), read_info);
  if (!info)
    return fail(ErrorCode::bad_data, "{} is damaged ({}): remove the image and make it again", path.string(),
                info.error().message);
  info->name = name;
  info->stored_bytes = stored_bytes_of(directory);
  return Image{std::move(*info), directory / disk_file, directory / kernel_file, directory / initrd_file};
}

// Debian's word for what OCI documents call by Go's.
std::string debian_architecture(const std::string& architecture) {
  return architecture == "386" ? "i386" : architecture;
}

// NAME@sha256:… names any image of that repository which has this manifest.
Result<std::optional<Image>> find_by_digest(const Name& name) {
  for (ImageInfo& info : STRATA_TRY(list())) {
    const bool same = info.manifest && info.manifest->text() == *name.digest &&
                      STRATA_TRY(parse_name(info.name)).repository == name.repository;
    if (same) return load(info.name, STRATA_TRY(folder_of(info.name)));
  }
  return std::nullopt;
}

// What an image is kept under that a registry's short name means: docker.io/library/debian for debian.
std::optional<std::string> pulled_name(std::string_view text) {
  const auto reference = parse_reference(text);
  const auto name = reference ? parse_name(reference->name()) : Result<Name>(fail("no reference"));
  const auto directory = name ? folder_of(name->text()) : Result<fs::path>(fail("no name"));
  return directory && fs::exists(*directory) ? std::optional(name->text()) : std::nullopt;
}

}  // namespace

Result<fs::path> store_directory() { return STRATA_TRY(data_folder()) / "images"; }

Result<fs::path> folder_of(std::string_view name) {
  return STRATA_TRY(store_directory()) / folder_of_name(STRATA_TRY(parse_name(name)).text());
}

Result<void> write_info(const fs::path& directory, const ImageInfo& info) {
  Json json = {{"version", info_version},
               {"name", info.name},
               {"suite", info.suite},
               {"architecture", info.architecture},
               {"kernel_release", info.kernel_release},
               {"command_line", info.command_line},
               {"created", info.created},
               {"disk_bytes", info.disk_bytes},
               {"layer_bytes", info.layer_bytes}};
  if (info.manifest) json["manifest"] = info.manifest->text();
  std::ofstream file(directory / info_file);
  file << json.dump(2) << '\n';
  file.close();
  if (!file) return fail(ErrorCode::io, "writing {} failed", (directory / info_file).string());
  return {};
}

Result<StagingFolder> stage_image(std::string_view name) {
  return StagingFolder::create(STRATA_TRY(store_directory()), folder_of_name(name));
}

Result<void> publish_image(StagingFolder& staging, std::string_view name, bool replace) {
  for (const fs::directory_entry& entry : fs::directory_iterator(staging.directory()))
    if (entry.is_regular_file()) STRATA_TRY(sync_to_disk(entry.path()));
  auto published = staging.publish(folder_of_name(name), replace);
  if (!published && published.error().code == ErrorCode::already_exists)
    return fail(ErrorCode::already_exists, "there is an image {} already", name);
  return published;
}

Result<std::vector<ImageInfo>> list() {
  const fs::path store = STRATA_TRY(store_directory());
  std::vector<ImageInfo> images;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(store, ignored)) {
    const auto name = name_of_folder(entry.path().filename().string());
    if (!name) continue;
    if (auto image = load(*name, entry.path())) images.push_back(std::move(image->info));
    else log::warn("{}", image.error().message);
  }
  std::sort(images.begin(), images.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return images;
}

Result<Image> find(std::string_view text) {
  const Name name = STRATA_TRY(parse_name(text));
  const fs::path directory = STRATA_TRY(folder_of(text));
  if (fs::exists(directory)) return load(name.text(), directory);
  if (name.digest)
    if (auto image = STRATA_TRY(find_by_digest(name))) return std::move(*image);
  if (const auto pulled = pulled_name(text)) return load(*pulled, STRATA_TRY(folder_of(*pulled)));
  if (text.starts_with("debian:"))
    return fail(ErrorCode::not_found,
                "there is no image {0}: 'strata image build {0}' makes it, 'strata image pull {0}' fetches one", text);
  return fail(ErrorCode::not_found,
              "there is no image {0}: 'strata image list' shows what there is, 'strata image pull {0}' asks a registry",
              text);
}

Result<void> tag(std::string_view text, const Digest& manifest) {
  const Name parsed = STRATA_TRY(parse_name(text));
  const std::string name = parsed.text();
  const BlobStore store = STRATA_TRY(BlobStore::open());
  const OciImage image = STRATA_TRY(open_image(store, manifest));
  for (const Descriptor& layer : image.manifest.layers)
    if (!store.has(layer.digest))
      return fail(ErrorCode::not_found, "the store lacks the layer {}", layer.digest.text());
  if (const auto existing = find(name); existing && (existing->info.name == name || parsed.digest)) {
    if (existing->info.manifest == manifest) return {};
    if (!existing->info.manifest)
      return fail(ErrorCode::already_exists, "there is a machine's disk named {0}: 'strata image rm {0}' removes it",
                  name);
  }
  StagingFolder staging = STRATA_TRY(stage_image(name));
  const ImageInfo info{.name = name,
                       .architecture = debian_architecture(image.config.platform.architecture),
                       .created = image.config.created,
                       .layer_bytes = image.layer_bytes(),
                       .manifest = manifest};
  STRATA_TRY(write_info(staging.directory(), info));
  return publish_image(staging, name, /*replace=*/true);
}

namespace {

// Machines lock their disk with a lock of the open file (storage/raw_file.cpp).
bool is_disk_in_use(const fs::path& disk) {
  const UniqueFd file(::open(disk.c_str(), O_RDONLY | O_CLOEXEC));
  struct flock whole_file = {};
  whole_file.l_type = F_WRLCK;
  return file && ::fcntl(file.get(), F_OFD_GETLK, &whole_file) == 0 && whole_file.l_type != F_UNLCK;
}

// Its own disk, or one made of its layers (machine_disk.cpp).
bool is_machine_running(const Image& image) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(image.disk.parent_path(), ignored))
    if (entry.path().extension() == ".raw" && is_disk_in_use(entry.path())) return true;
  return false;
}

// A damaged image is nobody's, and can always be removed.
Result<void> check_unused(const std::string& name) {
  const auto image = find(name);
  if (!image) return {};
  if (is_machine_running(*image)) return fail(ErrorCode::busy, "the image {} is a running machine's", name);
  if (!image->info.manifest) return {};
  for (const ImageInfo& other : STRATA_TRY(list()))
    if (other.name != name && other.manifest == image->info.manifest) return {};  // it stays under another name
  const auto roots = container_roots();
  if (!roots) return {};
  for (const ContainerRoot& root : *roots)
    if (root.record.manifest == *image->info.manifest)
      return fail(ErrorCode::busy, "the image {0} is the container {1}'s: 'strata rm {1}' first", name, root.container);
  return {};
}

}  // namespace

Result<void> remove(std::string_view text) {
  std::string name = STRATA_TRY(parse_name(text)).text();
  fs::path directory = STRATA_TRY(folder_of(name));
  if (!fs::exists(directory)) {
    name = pulled_name(text).value_or(name);
    directory = STRATA_TRY(folder_of(name));
  }
  if (!fs::exists(directory)) return fail(ErrorCode::not_found, "there is no image {}", name);
  STRATA_TRY(check_unused(name));
  // Away from its name at once, so that no half of it is ever seen; what a kill leaves is swept as a dead build.
  const StagingFolder trash = STRATA_TRY(stage_image(name));
  if (::renameat2(AT_FDCWD, directory.c_str(), AT_FDCWD, trash.directory().c_str(), RENAME_EXCHANGE) != 0 ||
      ::rmdir(directory.c_str()) != 0)
    return fail_errno("removing image {}", name);
  return {};
}

}  // namespace strata::image

// The commands on images, over the room image/.
#include "control/image_commands.h"

#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "control/interruption.h"
#include "control/progress_line.h"
#include "control/quantity.h"
#include "control/text_table.h"
#include "image/collect.h"
#include "image/image.h"
#include "image/transfer.h"

namespace strata::control {
namespace {

nlohmann::json as_json(const image::ImageInfo& info) {
  nlohmann::json json = {{"name", info.name},
                         {"suite", info.suite},
                         {"architecture", info.architecture},
                         {"kernel", info.kernel_release},
                         {"created", info.created},
                         {"disk_bytes", info.disk_bytes},
                         {"layer_bytes", info.layer_bytes},
                         {"stored_bytes", info.stored_bytes}};
  if (info.manifest) json["manifest"] = info.manifest->text();
  return json;
}

std::string size_or_dash(uint64_t bytes) { return bytes == 0 ? "-" : format_bytes(bytes); }

}  // namespace

Result<void> build_image(const ImageBuildRequest& request) {
  const UniqueFd interrupted = STRATA_TRY(interruption());
  image::BuildOptions options;
  options.source = request.source;
  options.architecture = request.architecture;
  options.name = request.name;
  options.packages = request.packages;
  options.replace = request.replace;
  options.cancel_fd = interrupted.get();
  if (request.disk_bytes) options.disk_bytes = *request.disk_bytes;

  ProgressLine line;
  auto built =
      image::build(options, [&line](const image::Progress& progress) { line.show(progress.phase, progress.fraction); });
  line.finish();
  const image::Image done = STRATA_TRY(std::move(built));
  fmt::print("{}\n", done.info.name);
  return {};
}

Result<void> list_images(bool json) {
  const auto images = STRATA_TRY(image::list());
  if (json) {
    auto array = nlohmann::json::array();
    for (const auto& info : images) array.push_back(as_json(info));
    fmt::print("{}\n", array.dump(2));
    return {};
  }
  TextTable table({"NAME", "DIGEST", "ARCH", "LAYERS", "DISK", "STORED", "CREATED"});
  for (const auto& info : images) {
    table.add({info.name, info.manifest ? info.manifest->short_hex() : "-", info.architecture,
               size_or_dash(info.layer_bytes), size_or_dash(info.disk_bytes), format_bytes(info.stored_bytes),
               info.created});
  }
  fmt::print("{}", table.text());
  return {};
}

Result<void> remove_image(const std::string& name) { return image::remove(name); }

Result<void> import_image(const std::string& source, const std::string& name) {
  const UniqueFd interrupted = STRATA_TRY(interruption());
  ProgressLine line;
  auto imported = image::import_image({.source = source, .name = name, .cancel_fd = interrupted.get()},
                                      [&](const image::Progress& at) { line.show(at.phase, at.fraction); });
  line.finish();
  const image::Image image = STRATA_TRY(std::move(imported));
  fmt::print("{}\n", image.info.name);
  return {};
}

Result<void> export_image(const std::string& name, const std::string& target) {
  const UniqueFd interrupted = STRATA_TRY(interruption());
  ProgressLine line;
  auto exported = image::export_image(
      name, target, [&](const image::Progress& at) { line.show(at.phase, at.fraction); }, interrupted.get());
  line.finish();
  return exported;
}

Result<void> collect_images() {
  const image::Freed freed = STRATA_TRY(image::collect_garbage());
  if (freed.store_was_in_use) {
    fmt::print("freed {} that dead processes left; the rest stays, as the image store is in use\n",
               format_bytes(freed.bytes));
    return {};
  }
  fmt::print("freed {}: {} blobs, {} unpacked layers, {} unfinished downloads\n", format_bytes(freed.bytes),
             freed.blobs, freed.layers, freed.partials);
  return {};
}

}  // namespace strata::control

// The commands on images, over the room image/.
#include "control/image_commands.h"

#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "control/interruption.h"
#include "control/progress_line.h"
#include "control/quantity.h"
#include "image/image.h"

namespace strata::control {
namespace {

nlohmann::json as_json(const image::ImageInfo& info) {
  return {{"name", info.name},
          {"suite", info.suite},
          {"architecture", info.architecture},
          {"kernel", info.kernel_release},
          {"created", info.created},
          {"disk_bytes", info.disk_bytes},
          {"stored_bytes", info.stored_bytes}};
}

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
  fmt::print("{:<24} {:<6} {:<28} {:>10} {:>10}  {}\n", "NAME", "ARCH", "KERNEL", "DISK", "STORED", "CREATED");
  for (const auto& info : images) {
    fmt::print("{:<24} {:<6} {:<28} {:>10} {:>10}  {}\n", info.name, info.architecture, info.kernel_release,
               format_bytes(info.disk_bytes), format_bytes(info.stored_bytes), info.created);
  }
  return {};
}

Result<void> remove_image(const std::string& name) { return image::remove(name); }

}  // namespace strata::control

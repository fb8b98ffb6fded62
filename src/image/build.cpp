// Builds an image: packages to archive, archive to disk, kernel and initrd beside it, and only then its name.
#include "base/log.h"
#include "image/apt_sources.h"
#include "image/bootstrap.h"
#include "image/decompress.h"
#include "image/disk.h"
#include "image/image.h"
#include "image/initrd.h"
#include "image/kernel.h"
#include "image/layer_writer.h"
#include "image/names.h"
#include "image/open_image.h"
#include "image/recipe.h"
#include "image/store.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t smallest_disk = 512 * mib;
constexpr std::uint64_t room_for_build = 1400 * mib;  // measured: archive, layer, unpacked tree and disk together
constexpr double bootstrap_share = 0.88;              // of the whole time, measured
constexpr double disk_begins = 0.91;

// Reports progress that never falls.
class Reporter {
 public:
  explicit Reporter(const ProgressFn& report) : report_(report) {}
  void operator()(std::string_view phase, double fraction) {
    reached_ = std::max(reached_, fraction);
    if (report_) report_({phase, reached_});
  }

 private:
  const ProgressFn& report_;
  double reached_ = 0;
};

Result<void> check_room(const fs::path& directory) {
  struct statvfs status = {};
  if (::statvfs(directory.c_str(), &status) != 0) return {};  // then the build itself will tell
  const std::uint64_t available = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (available >= room_for_build) return {};
  return fail(ErrorCode::no_space, "{} MiB are free in {}, it takes {}", available / mib,
              directory.parent_path().string(), room_for_build / mib);
}

Result<void> copy_kernel(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (!error) return {};
  errno = error.value();
  return fail_errno("copying {}", from.string());
}

std::string now_utc() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

// A mirror may carry a suite and not its updates, or hold them half synchronized; then the release itself still builds.
Result<fs::path> make_archive(const Recipe& recipe, const BuildOptions& options, const StagingFolder& staging,
                              Reporter& report) {
  AptSources sources = STRATA_TRY(host_apt_sources(recipe));
  const auto run = [&] {
    const auto on_progress = [&](const BootstrapLog::State& state) {
      report(state.phase, state.fraction * bootstrap_share);
    };
    return bootstrap(recipe, sources, staging.directory(), staging.temporary(), on_progress, options.cancel_fd);
  };
  Result<fs::path> archive = run();
  const bool updates_failed =
      !archive && archive.error().message.find("/dists/" + recipe.suite + "-") != std::string::npos;
  if (!updates_failed || sources.lines.size() == 1) return archive;
  log::warn("building {} without its updates: {}", recipe.name, archive.error().message);
  sources.lines.resize(1);
  return run();
}

// What a container of the image runs, unless told otherwise, is a shell.
Result<Digest> make_layers(const BlobStore& blobs, const Recipe& recipe, const fs::path& archive, int cancel_fd) {
  UniqueFd file(::open(archive.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("opening {}", archive.string());
  const auto source = STRATA_TRY(decompress(file_source(std::move(file))));
  const NewLayer layer = STRATA_TRY(write_layer(blobs, *source, cancel_fd));
  const ImageConfig config{.platform = {.architecture = recipe.architecture == "i386" ? "386" : recipe.architecture},
                           .created = now_utc(),
                           .cmd = {"/bin/bash"},
                           .env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
  return put_image_of(blobs, {layer}, config);
}

// Fills the staging folder with all that an image is.
Result<ImageInfo> make_files(const BlobStore& blobs, const Recipe& recipe, const BuildOptions& options,
                             const StagingFolder& staging, Reporter& report) {
  const fs::path& directory = staging.directory();
  const fs::path archive = STRATA_TRY(make_archive(recipe, options, staging, report));

  // As a layer before it becomes a disk: making that takes the archive.
  report("packing the layer", bootstrap_share);
  const Digest manifest = STRATA_TRY(make_layers(blobs, recipe, archive, options.cancel_fd));

  report("making the disk", disk_begins);
  const fs::path tree = directory / "tree";
  STRATA_TRY(make_disk(archive, tree, directory / disk_file, options.disk_bytes, options.cancel_fd));

  report("finishing", 0.97);
  const KernelFile kernel = STRATA_TRY(find_kernel(tree));
  ImageInfo info{.name = recipe.name,
                 .suite = recipe.suite,
                 .architecture = recipe.architecture,
                 .kernel_release = kernel.release,
                 .command_line = "root=/dev/vda rw console=ttyS0",
                 .created = now_utc(),
                 .disk_bytes = options.disk_bytes,
                 .layer_bytes = STRATA_TRY(open_image(blobs, manifest)).layer_bytes(),
                 .manifest = manifest};
  STRATA_TRY(copy_kernel(kernel.kernel, directory / kernel_file));
  STRATA_TRY(make_initrd(tree, info.kernel_release, directory / initrd_file));
  STRATA_TRY(write_info(directory, info));
  remove_tree(tree);
  return info;
}

Result<Recipe> recipe_for(const BuildOptions& options) {
  Recipe recipe = STRATA_TRY(find_recipe(options.source, options.architecture));
  if (!options.name.empty()) {
    recipe.name = STRATA_TRY(parse_name(options.name)).text();
  }
  for (const std::string& package : options.packages) STRATA_TRY(check_package(package));
  recipe.packages = options.packages;
  return recipe;
}

}  // namespace

Result<Image> build(const BuildOptions& options, const ProgressFn& on_progress) {
  const Recipe recipe = STRATA_TRY(recipe_for(options));
  if (options.disk_bytes < smallest_disk || options.disk_bytes % 4096 != 0)
    return fail(ErrorCode::usage,
                "a disk of {} bytes cannot be: it takes {} MiB or more, in whole blocks of 4096 bytes",
                options.disk_bytes, smallest_disk / mib);
  const Result<Image> existing = find(recipe.name);
  if (existing && !options.replace) return fail(ErrorCode::already_exists, "there is an image {} already", recipe.name);
  const bool damaged = !existing && existing.error().code == ErrorCode::bad_data;

  Reporter report(on_progress);
  const auto building = [&](Error error) {
    if (error.code == ErrorCode::cancelled)
      return Error{error.code, fmt::format("building {} was stopped", recipe.name)};
    return std::move(error).context("building {}", recipe.name);
  };
  const BlobStore blobs = STRATA_TRY(BlobStore::open().map_error(building));
  StagingFolder staging = STRATA_TRY(stage_image(recipe.name).map_error(building));
  STRATA_TRY(staging.make_temporary().map_error(building));
  STRATA_TRY(check_room(staging.directory()).map_error(building));
  STRATA_TRY(make_files(blobs, recipe, options, staging, report).map_error(building));
  STRATA_TRY(publish_image(staging, recipe.name, options.replace || damaged).map_error(building));
  report("done", 1.0);
  return find(recipe.name);
}

}  // namespace strata::image

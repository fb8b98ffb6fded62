// Makes a container's root: by overlay, by fuse-overlayfs, or as a copy, whichever works first.
#include "image/rootfs.h"

#include "base/log.h"
#include "base/process.h"
#include "image/copy_layers.h"
#include "image/layers.h"
#include "image/open_image.h"
#include "image/overlay_probe.h"
#include "image/root_record.h"
#include "image/staging.h"
#include "image/store_lock.h"

#include <fmt/ranges.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

Result<void> make_folder(const fs::path& folder, mode_t mode) {
  if (::mkdir(folder.c_str(), mode) == 0 || errno == EEXIST) return {};
  return fail_errno("making {}", folder.string());
}

// Makes and takes up the root of one container.
class RootMaker {
 public:
  RootMaker(const LayerStore& layers, fs::path directory, const RootOptions& options)
      : layers_(layers), directory_(std::move(directory)), options_(options) {}

  // For the first time.
  Result<RootPlan> make(const Image& image, const OciImage& oci) {
    RootRecord record{.image = image.info.name, .manifest = oci.digest, .layers = oci.config.diff_ids};
    STRATA_TRY(find_trees(record));
    STRATA_TRY(make_folder(root(), 0755));
    record.way =
        options_.way == RootWay::automatic ? STRATA_TRY(make_first_that_works()) : STRATA_TRY(make_by(options_.way));
    STRATA_TRY(write_record(directory_, record));
    return plan(record.way);
  }

  // The root as the container left it.
  Result<RootPlan> take_up(const RootRecord& record) {
    STRATA_TRY(find_trees(record));
    if (record.way == RootWay::fuse_overlay && !is_mounted()) STRATA_TRY(mount_fuse());
    return plan(record.way);
  }

 private:
  fs::path root() const { return directory_ / "root"; }
  fs::path upper() const { return directory_ / "upper"; }
  fs::path work() const { return directory_ / "work"; }

  Result<void> find_trees(const RootRecord& record) {
    for (const Digest& diff_id : record.layers) {
      if (!layers_.has(diff_id)) return fail(ErrorCode::not_found, "the layer {} is missing", diff_id.short_hex());
      const auto implied = STRATA_TRY(layers_.implied_directories(diff_id));
      trees_.push_back({layers_.tree(diff_id), {implied.begin(), implied.end()}});
    }
    // An image may be nothing at all; the overlay still needs something below.
    if (trees_.empty()) {
      STRATA_TRY(make_folder(directory_ / "empty", 0755));
      trees_.push_back({directory_ / "empty"});
    }
    return {};
  }

  Result<RootWay> make_first_that_works() {
    for (const RootWay way : {RootWay::overlay, RootWay::fuse_overlay}) {
      const auto made = make_by(way);
      if (made) return way;
      if (made.error().code == ErrorCode::cancelled || made.error().code == ErrorCode::no_space)
        return tl::unexpected(made.error());
      remove_tree(upper());
      remove_tree(work());
      log::debug("the root of {}: {}", directory_.filename().string(), made.error().message);
    }
    return make_by(RootWay::copy);
  }

  Result<RootWay> make_by(RootWay way) {
    if (way == RootWay::copy) STRATA_TRY(copy());
    else STRATA_TRY(make_upper(way == RootWay::overlay));
    if (way == RootWay::overlay)
      STRATA_TRY(
          with_context(probe_overlay(trees_.back().path, upper(), work(), options_.maps), "mounting an overlay"));
    if (way == RootWay::fuse_overlay) STRATA_TRY(mount_fuse());
    return way;
  }

  Result<void> make_upper(bool mapped) {
    STRATA_TRY(make_folder(upper(), 0755));
    STRATA_TRY(make_folder(work(), 0700));
    return layers_.as_owner([&] { return correct_implied_directories(trees_, upper(), copy_options(mapped)); });
  }

  // fuse-overlayfs maps all ids itself.
  CopyOptions copy_options(bool mapped = true) const {
    return {.owners = layers_.has_owners(),
            .maps = mapped && ::geteuid() == 0 ? options_.maps : IdMaps(),
            .cancel_fd = options_.cancel_fd};
  }

  Result<void> copy() {
    return layers_.as_owner([&] { return copy_layers(trees_, root(), copy_options()); });
  }

  // As root only: an ordinary user's own mounts stand in no namespace that outlives a command.
  Result<void> mount_fuse() {
    if (::geteuid() != 0) return fail(ErrorCode::unsupported, "fuse-overlayfs is used as root only");
    std::string settings = "lowerdir=";
    for (auto tree = trees_.rbegin(); tree != trees_.rend(); ++tree)
      settings += (tree == trees_.rbegin() ? "" : ":") + tree->path.string();
    settings += fmt::format(",upperdir={},workdir={},allow_other", upper().string(), work().string());
    add_mapping(settings, ",uidmapping=", options_.maps.users);
    add_mapping(settings, ",gidmapping=", options_.maps.groups);
    std::string said;
    const auto code =
        run_command({{"fuse-overlayfs", "-o", settings, root().string()}}, [&](std::string_view line) { said = line; });
    if (!code) return tl::unexpected(code.error());
    if (*code != 0 || !is_mounted())
      return fail("fuse-overlayfs: {}", said.empty() ? fmt::format("code {}", *code) : said);
    return {};
  }

  static void add_mapping(std::string& settings, std::string_view name, const std::vector<IdRange>& ranges) {
    std::vector<std::string> parts;
    for (const IdRange& range : ranges)
      parts.push_back(fmt::format("{}:{}:{}", range.inside, range.outside, range.count));
    if (!parts.empty()) settings += fmt::format("{}{}", name, fmt::join(parts, ":"));
  }

  bool is_mounted() const {
    struct stat inside = {};
    struct stat outside = {};
    return ::stat(root().c_str(), &inside) == 0 && ::stat(directory_.c_str(), &outside) == 0 &&
           inside.st_dev != outside.st_dev;
  }

  RootPlan plan(RootWay way) const {
    RootPlan plan{.way = way, .root = root()};
    if (way != RootWay::overlay) return plan;
    plan.overlay = RootPlan::Overlay{.upper = upper(), .work = work()};
    for (auto tree = trees_.rbegin(); tree != trees_.rend(); ++tree) plan.overlay->lower.push_back(tree->path);
    return plan;
  }

  const LayerStore& layers_;
  const fs::path directory_;
  const RootOptions& options_;
  std::vector<LayerTree> trees_;  // the lowest first
};

// An ordinary user's layers have the ids of the maps that he may have, and no others.
Result<void> check_maps(const LayerStore& layers, const IdMaps& maps) {
  if (::geteuid() == 0 || maps == layers.maps()) return {};
  return fail(ErrorCode::unsupported,
              "a container of this user needs the id maps that /etc/subuid and /etc/subgid give");
}

}  // namespace

Result<fs::path> containers_directory() { return STRATA_TRY(store_root()) / "containers"; }

Result<RootPlan> prepare_root(const Image& image, const fs::path& directory, const RootOptions& options,
                              const ProgressFn& on_progress) {
  const BlobStore blobs = STRATA_TRY(BlobStore::open());
  const LayerStore layers = STRATA_TRY(LayerStore::open());
  STRATA_TRY(check_maps(layers, options.maps));
  const auto making = [&](Error error) {
    if (error.code == ErrorCode::cancelled) return error;
    return std::move(error).context("the root of {}", directory.filename().string());
  };
  RootMaker maker(layers, directory, options);
  if (has_record(directory)) {
    const RootRecord record = STRATA_TRY(read_record(directory));
    return maker.take_up(record).map_error(making);
  }
  const OciImage oci = STRATA_TRY(open_image(blobs, image));
  STRATA_TRY(layers.unpack(blobs, oci, on_progress, options.cancel_fd).map_error(making));
  return maker.make(image, oci).map_error(making);
}

Result<void> release_root(const fs::path& directory) {
  // EINVAL: nothing is mounted there.
  if (::geteuid() == 0 && ::umount2((directory / "root").c_str(), MNT_DETACH) != 0 && errno != EINVAL &&
      errno != ENOENT)
    return fail_errno("unmounting {}", (directory / "root").string());
  return {};
}

Result<void> remove_root(const fs::path& directory) {
  STRATA_TRY(release_root(directory));
  const LayerStore layers = STRATA_TRY(LayerStore::open());
  STRATA_TRY(layers.remove(directory));
  if (::access(directory.c_str(), F_OK) != 0) return {};
  return fail(ErrorCode::permission_denied, "{} cannot be removed whole: another's files or mounts are in it",
              directory.string());
}

}  // namespace strata::image

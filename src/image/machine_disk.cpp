// The layers as a container's root, and mke2fs over it; no root and no copy where an overlay can be mounted.
#include "image/machine_disk.h"

#include "base/unique_fd.h"
#include "image/disk.h"
#include "image/layers.h"
#include "image/rootfs.h"
#include "image/staging.h"
#include "image/store.h"
#include "image/store_lock.h"
#include "image/user_namespace.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace strata::image {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t usual_bytes = 4096 * mib, least_bytes = 16 * mib;
constexpr std::string_view prefix = "layers-", suffix = ".raw";

// layers-0123456789abcdef.raw, with -512M before the dot where the user said a size.
std::string file_name(const Digest& manifest, const std::optional<std::uint64_t>& bytes) {
  const std::string size = bytes ? fmt::format("-{}M", *bytes / mib) : "";
  return fmt::format("{}{}{}{}", prefix, manifest.hex().substr(0, 16), size, suffix);
}

// The overlay, attached nowhere: it goes with the descriptor, which programs that are started have too.
Result<UniqueFd> open_overlay(const RootPlan::Overlay& overlay, bool in_user_namespace) {
  const UniqueFd context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return fail_errno("overlayfs");
  const auto set = [&](const char* name, const fs::path& value) {
    return ::fsconfig(context.get(), FSCONFIG_SET_STRING, name, value.c_str(), 0) == 0;
  };
  bool good = !in_user_namespace || ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0) == 0;
  for (const fs::path& lower : overlay.lower) good = good && set("lowerdir+", lower);
  good = good && set("upperdir", overlay.upper) && set("workdir", overlay.work) &&
         ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
  UniqueFd mounted(good ? ::fsmount(context.get(), 0, 0) : -1);
  if (!mounted) return fail_errno("mounting the layers");
  return mounted;
}

struct Content {
  std::uint64_t bytes = 0;  // in whole blocks
  std::uint64_t files = 0;
};

Content measure(const fs::path& tree) {
  Content content;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(tree, error), end; !error && entry != end; entry.increment(error)) {
    content.files++;
    std::error_code ignored;
    if (entry->is_regular_file(ignored) && !entry->is_symlink(ignored))
      content.bytes += (entry->file_size(ignored) + 4095) / 4096 * 4096;
  }
  return content;
}

// In a process that is root of the layers' files.
Result<std::string> make_from(const RootPlan& plan, bool in_user_namespace, const fs::path& disk,
                              const MachineDiskOptions& options) {
  UniqueFd overlay;
  fs::path tree = plan.root;
  if (plan.overlay) {
    if (in_user_namespace && ::unshare(CLONE_NEWNS) != 0) return fail_errno("making a mount namespace");
    overlay = STRATA_TRY(open_overlay(*plan.overlay, in_user_namespace));
    tree = fmt::format("/proc/self/fd/{}", overlay.get());
  }
  const Content content = measure(tree);
  const std::uint64_t bytes = options.bytes.value_or(std::max(usual_bytes, content.bytes * 2 / mib * mib));
  STRATA_TRY(make_disk_of_tree(tree, disk, {.bytes = bytes, .files = content.files}, options.cancel_fd));
  return std::string();
}

Result<void> make(const Image& image, const fs::path& staging, const fs::path& disk, const MachineDiskOptions& options,
                  const ProgressFn& on_progress) {
  const LayerStore layers = STRATA_TRY(LayerStore::open());
  const auto unpacking = [&](const Progress& progress) {
    if (on_progress) on_progress({progress.phase, progress.fraction * 0.7});
  };
  const fs::path root = staging / "container";
  fs::create_directory(root);
  const RootPlan plan =
      STRATA_TRY(prepare_root(image, root, {.maps = layers.maps(), .cancel_fd = options.cancel_fd}, unpacking));
  if (on_progress) on_progress({"making the disk", 0.7});
  const bool as_user = ::geteuid() != 0;
  const auto work = [&] { return make_from(plan, as_user, disk, options); };
  Result<std::string> made = as_user ? run_mapped(layers.maps(), work) : work();
  const Result<void> released = release_root(root);
  const Result<void> removed = remove_root(root);
  STRATA_TRY(std::move(made));
  STRATA_TRY(released);
  return removed;
}

// Disks of other layers or sizes: nobody will ask for them again, and who runs on one has it open.
void remove_others(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string other = entry.path().filename();
    if (other != name && other.starts_with(prefix) && other.ends_with(suffix)) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

Result<fs::path> machine_disk(const Image& image, const MachineDiskOptions& options, const ProgressFn& on_progress) {
  if (!image.info.manifest) return fail(ErrorCode::unsupported, "image {} has no layers", image.info.name);
  if (options.bytes && (*options.bytes < least_bytes || *options.bytes % mib != 0))
    return fail(ErrorCode::usage, "a disk of {} bytes cannot be: it takes {} MiB or more, in whole MiB", *options.bytes,
                least_bytes / mib);
  const fs::path folder = STRATA_TRY(folder_of(image.info.name));
  const std::string name = file_name(*image.info.manifest, options.bytes);
  if (fs::exists(folder / name)) return folder / name;

  const UniqueFd lock = STRATA_TRY(share_store());
  const StagingFolder staging = STRATA_TRY(StagingFolder::create(folder, "disk"));
  const fs::path disk = staging.directory() / "disk.raw";
  STRATA_TRY(with_context(make(image, staging.directory(), disk, options, on_progress), "making a disk of {}",
                          image.info.name));
  STRATA_TRY(sync_to_disk(disk));
  if (::rename(disk.c_str(), (folder / name).c_str()) != 0) return fail_errno("naming {}", (folder / name).string());
  STRATA_TRY(sync_to_disk(folder));
  remove_others(folder, name);
  if (on_progress) on_progress({"done", 1.0});
  return folder / name;
}

}  // namespace strata::image

// Gives overlayfs its layers, one by one and by descriptor.
#include "container/rootfs/overlay.h"

#include "container/rootfs/mount_tree.h"

#include <fcntl.h>

namespace strata::container {
namespace {

// The mount of one folder with the ids of the namespace, or the folder itself.
Result<UniqueFd> open_layer(const std::string& path, int user_namespace) {
  UniqueFd layer(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!layer) return fail_errno("layer {}", path);
  if (user_namespace < 0) return layer;
  layer = STRATA_TRY(clone_tree(layer.get(), false));
  STRATA_TRY(set_id_map(layer.get(), user_namespace, false));
  return layer;
}

// overlayfs takes paths; this one is short, so that many layers fit, and leads to just what was opened.
std::string path_of(const UniqueFd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

}  // namespace

Result<UniqueFd> make_overlay(const Overlay& overlay, int user_namespace, bool user_attributes) {
  std::vector<UniqueFd> open;
  MountSettings settings;
  for (const std::string& lower : overlay.lower) {
    open.push_back(STRATA_TRY(open_layer(lower, user_namespace)));
    settings.emplace_back("lowerdir+", path_of(open.back()));
  }
  // These are not mapped: it is the host's root that the kernel makes its work folder as, whom the map leaves out.
  for (const auto& [name, path] : {std::pair("upperdir", &overlay.upper), std::pair("workdir", &overlay.work)}) {
    open.push_back(STRATA_TRY(open_layer(*path, -1)));
    settings.emplace_back(name, path_of(open.back()));
  }
  if (user_attributes) settings.emplace_back("userxattr", "");
  return with_context(make_file_system("overlay", "overlay", settings, 0), "the root's overlay");
}

}  // namespace strata::container

// fsopen, the layers, create; nothing is attached, and all goes away with the descriptors.
#include "image/overlay_probe.h"

#include "base/unique_fd.h"
#include "image/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>

namespace strata::image {
namespace {

Result<void> make_overlay(const std::string& lower, const std::string& upper, const std::string& work, bool as_user) {
  const UniqueFd context(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return fail_errno("overlayfs");
  const auto set = [&](const char* name, const std::string& value) {
    return ::fsconfig(context.get(), FSCONFIG_SET_STRING, name, value.c_str(), 0) == 0;
  };
  const bool flagged = !as_user || ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0) == 0;
  if (!flagged || !set("lowerdir+", lower) || !set("upperdir", upper) || !set("workdir", work) ||
      ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return fail_errno("overlayfs");
  return {};
}

// A child that is root of such a user namespace, and inside of it this process's mounts.
Result<std::string> make_as_user(const std::string& lower, const std::string& upper, const std::string& work) {
  if (::unshare(CLONE_NEWNS) != 0) return fail_errno("making a mount namespace");
  return make_overlay(lower, upper, work, true).map([] { return std::string(); });
}

Result<UniqueFd> mapped(const std::filesystem::path& folder, int user_namespace) {
  UniqueFd tree(::open_tree(AT_FDCWD, folder.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return fail_errno("{}", folder.string());
  mount_attr attributes{.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = static_cast<std::uint64_t>(user_namespace)};
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
    return fail_errno("mapping the ids of a mount");
  return tree;
}

}  // namespace

Result<void> probe_overlay(const std::filesystem::path& lower, const std::filesystem::path& upper,
                           const std::filesystem::path& work, const IdMaps& maps) {
  if (::geteuid() != 0)
    return run_mapped(maps, [&] { return make_as_user(lower, upper, work); }).map([](const std::string&) {});
  if (maps.empty()) return make_overlay(lower, upper, work, false);
  const UniqueFd user_namespace = STRATA_TRY(make_user_namespace(maps));
  const UniqueFd lower_tree = STRATA_TRY(mapped(lower, user_namespace.get()));
  return make_overlay(fmt::format("/proc/self/fd/{}", lower_tree.get()), upper, work, false);
}

}  // namespace strata::image

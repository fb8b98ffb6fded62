// The mount calls by descriptor.
#include "container/rootfs/mount_tree.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>

namespace strata::container {
namespace {

// What the file system said about its settings: lines as "e tmpfs: Bad value for 'size'".
std::string words_of(int context) {
  std::string all;
  char line[512];
  for (ssize_t size; (size = ::read(context, line, sizeof line)) > 0;) {
    std::string_view text(line, static_cast<std::size_t>(size));
    if (text.size() > 2 && text[1] == ' ') text.remove_prefix(2);
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    all += (all.empty() ? "" : "; ") + std::string(text);
  }
  return all;
}

tl::unexpected<Error> fail_with_words(int context, std::string_view doing) {
  const int error = errno;
  const std::string words = words_of(context);
  if (!words.empty()) return fail(error_code_from_errno(error), "{}: {} ({})", doing, std::strerror(error), words);
  errno = error;
  return fail_errno("{}", doing);
}

Result<UniqueFd> clone_tree(int directory, const char* path, unsigned flags) {
  UniqueFd tree(::open_tree(directory, path, flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return fail_errno("cloning the mount of {}", *path ? path : "a directory");
  return tree;
}

Result<void> change(int mount, mount_attr attributes, bool recursive, std::string_view doing) {
  if (::mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes) != 0)
    return fail_errno("{}", doing);
  return {};
}

}  // namespace

Result<UniqueFd> make_file_system(const std::string& type, const std::string& source, const MountSettings& settings,
                                  std::uint64_t attributes) {
  const UniqueFd context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!context) return fail_errno("file system {}", type);
  if (!source.empty() && ::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", source.c_str(), 0) != 0)
    return fail_with_words(context.get(), "source " + source);
  for (const auto& [name, value] : settings) {
    const bool flag = value.empty();
    if (::fsconfig(context.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, name.c_str(),
                   flag ? nullptr : value.c_str(), 0) != 0)
      return fail_with_words(context.get(), flag ? "option " + name : "option " + name + "=" + value);
  }
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return fail_with_words(context.get(), "making a file system " + type);
  UniqueFd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
  if (!mount) return fail_with_words(context.get(), "mounting a file system " + type);
  return mount;
}

Result<UniqueFd> clone_tree(int directory, const std::string& path, bool recursive) {
  return clone_tree(directory, path.c_str(), recursive ? AT_RECURSIVE : 0u);
}

Result<UniqueFd> clone_tree(int fd, bool recursive) {
  return clone_tree(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u));
}

Result<void> set_attributes(int mount, const MountAttributes& attributes, bool recursive) {
  if (!attributes.any()) return {};
  return change(mount, {.attr_set = attributes.set, .attr_clr = attributes.clear}, recursive,
                "setting mount attributes");
}

Result<void> set_propagation(int mount, unsigned long flags) {
  return change(mount, {.propagation = flags & ~static_cast<unsigned long>(MS_REC)}, flags & MS_REC,
                "setting mount propagation");
}

Result<void> set_id_map(int mount, int user_namespace, bool recursive) {
  return change(mount, {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = static_cast<std::uint64_t>(user_namespace)},
                recursive, "setting the id map (not every file system can)");
}

Result<void> attach(int mount, int target) {
  if (::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    return fail_errno("attaching the mount");
  return {};
}

}  // namespace strata::container

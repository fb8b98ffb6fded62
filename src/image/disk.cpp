// tar and mke2fs, under fakeroot where we are not root so that files keep their owners.
#include "image/disk.h"

#include "base/log.h"
#include "base/process.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace strata::image {
namespace {

// Arguments: archive, tree, disk, size in KiB. Under fakeroot a file may say that its owner cannot read it, and then mke2fs
// cannot: LD_PRELOAD is fakeroot, without which chmod changes what is and not what is said. The kernel fills /dev by itself, and making device files takes rights
// that a container's root may lack. mke2fs may leave out zeroes: the disk's file is new and sparse.
constexpr const char* script = R"sh(
set -e
mkdir "$2"
tar -C "$2" -xpf "$1" --numeric-owner --exclude='./dev/*'
rm "$1"
[ -z "$LD_PRELOAD" ] || LD_PRELOAD= find "$2" ! -type l ! -perm -u=r -exec chmod u+r {} +
truncate -s "$4K" "$3"
mke2fs -q -t ext4 -L root -m 1 -E lazy_itable_init=0,nodiscard -d "$2" "$3" "$4"
)sh";

}  // namespace

Result<void> make_disk(const std::filesystem::path& archive, const std::filesystem::path& tree,
                       const std::filesystem::path& disk, std::uint64_t bytes, int cancel_fd) {
  Command command;
  if (::geteuid() != 0) command.arguments = {"fakeroot", "--"};
  for (const std::string& argument : {std::string("sh"), std::string("-c"), std::string(script), std::string("disk"),
                                      archive.string(), tree.string(), disk.string(), std::to_string(bytes / 1024)})
    command.arguments.push_back(argument);
  const char* path = std::getenv("PATH");
  command.environment = {{"LC_ALL", "C.UTF-8"},
                         {"PATH", std::string(path ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin"}};

  std::string complaint;
  bool disk_is_full = false;
  const auto on_line = [&](std::string_view line) {
    log::debug("making the disk: {}", line);
    if (complaint.empty()) complaint = line;
    disk_is_full |= line.find("No space left on device") != std::string_view::npos;
  };
  const Result<int> code = run_command(command, on_line, cancel_fd);
  if (!code && code.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "fakeroot is missing: 'apt-get install fakeroot' as root brings it");
  if (!code) return tl::unexpected(code.error());
  if (*code == 0) return {};
  // mke2fs says "Could not allocate block" where the files do not fit into the size that was asked for.
  if (complaint.find("Could not allocate") != std::string::npos)
    return fail(ErrorCode::usage, "a disk of {} MiB is too small for the system", bytes >> 20);
  if (disk_is_full) return fail(ErrorCode::no_space, "the disk is full");
  return fail("making the guest's disk: {}", complaint.empty() ? fmt::format("code {}", *code) : complaint);
}

}  // namespace strata::image

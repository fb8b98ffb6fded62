// tar and mke2fs, under fakeroot where we are not root so that files keep their owners.
#include "image/disk.h"

#include "base/log.h"
#include "base/process.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
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

// `command` is to make a disk of so many bytes.
Result<void> run(Command command, std::uint64_t bytes, int cancel_fd) {
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
  const int code = STRATA_TRY(run_command(command, on_line, cancel_fd));
  if (code == 0) return {};
  // mke2fs says "Could not allocate block" where the files do not fit into the size that was asked for.
  if (complaint.find("Could not allocate") != std::string::npos)
    return fail(ErrorCode::usage, "a disk of {} MiB is too small for the system", bytes >> 20);
  if (disk_is_full) return fail(ErrorCode::no_space, "the disk is full");
  return fail("making the guest's disk: {}", complaint.empty() ? fmt::format("code {}", code) : complaint);
}

}  // namespace

Result<void> make_disk(const std::filesystem::path& archive, const std::filesystem::path& tree,
                       const std::filesystem::path& disk, std::uint64_t bytes, int cancel_fd) {
  Command command;
  if (::geteuid() != 0) command.arguments = {"fakeroot", "--"};
  for (const std::string& argument : {std::string("sh"), std::string("-c"), std::string(script), std::string("disk"),
                                      archive.string(), tree.string(), disk.string(), std::to_string(bytes / 1024)})
    command.arguments.push_back(argument);
  const Result<void> made = run(std::move(command), bytes, cancel_fd);
  if (!made && made.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "fakeroot is missing: 'apt-get install fakeroot' as root brings it");
  return made;
}

Result<void> make_disk_of_tree(const std::filesystem::path& tree, const std::filesystem::path& disk,
                               const DiskSize& size, int cancel_fd) {
  // A file for each 16 KiB is what mke2fs gives by itself. The file is new, so all of it is zero already.
  const std::uint64_t files = std::max(size.bytes / 16384, size.files + size.files / 4 + 1000);
  const std::string blocks = fmt::format("{}K", size.bytes / 1024);
  std::ofstream(disk, std::ios::trunc).close();
  std::error_code error;
  std::filesystem::resize_file(disk, size.bytes, error);
  if (error) return fail(ErrorCode::io, "making {}: {}", disk.string(), error.message());
  Command command{{"sh", "-c", "exec mke2fs -q -t ext4 -L root -m 1 -O ^has_journal \"$@\"", "mke2fs"}};
  for (const std::string& argument :
       {std::string("-E"), std::string("nodiscard,assume_storage_prezeroed=1"), std::string("-N"),
        std::to_string(files), std::string("-d"), tree.string(), disk.string(), blocks})
    command.arguments.push_back(argument);
  return run(std::move(command), size.bytes, cancel_fd);
}

}  // namespace strata::image

// Reads whole files of a sensible size.
#include "control/boot_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <span>

#include "base/unique_fd.h"
#include "control/quantity.h"

namespace strata::control {
namespace {

constexpr size_t largest_boot_file = size_t{1} << 30;

Result<std::vector<std::byte>> read_file(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about;
  if (!file || fstat(file.get(), &about) != 0) return fail_errno("reading {}", path);
  if (!S_ISREG(about.st_mode)) return fail("{} is no ordinary file", path);
  if (static_cast<size_t>(about.st_size) > largest_boot_file) {
    return fail(ErrorCode::bad_data, "{} has {}: no kernel or initrd is that large", path,
                format_bytes(static_cast<uint64_t>(about.st_size)));
  }
  std::vector<std::byte> bytes(static_cast<size_t>(about.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = read(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("reading {}", path);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

Result<machine::pc::DirectBoot> read_boot_files(const MachineOptions& options, std::string_view initrd_end) {
  machine::pc::DirectBoot boot{STRATA_TRY(read_file(options.kernel)), {}, options.append.value_or("")};
  if (!options.initrd.empty()) boot.initrd = STRATA_TRY(read_file(options.initrd));
  if (!initrd_end.empty()) {
    boot.initrd.resize((boot.initrd.size() + 3) / 4 * 4);  // where the kernel looks for the next archive
    const auto end = std::as_bytes(std::span(initrd_end));
    boot.initrd.insert(boot.initrd.end(), end.begin(), end.end());
  }
  return boot;
}

}  // namespace strata::control

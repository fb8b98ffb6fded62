// Kernels for machines whose image brings none: Debian's, from its package, kept in the store.
#pragma once

#include "base/result.h"
#include "image/image.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

struct Kernel {
  std::string release;            // as uname -r says it
  std::filesystem::path kernel;   // bzImage
  std::filesystem::path modules;  // an initrd's archive with the drivers of a machine (initrd.h)
};

// The kernel in $XDG_DATA_HOME/strata/kernels/RELEASE; the one fetched last if there are several. Where there is none it
// is fetched from the Debian mirror that the host's apt is configured for. When `cancel_fd` becomes readable the error
// is `cancelled`.
[[nodiscard]] Result<Kernel> machine_kernel(const ProgressFn& on_progress = {}, int cancel_fd = -1);

// The packages that hold a kernel, in what `apt-get install -s` prints for a name such as linux-image-cloud-amd64.
[[nodiscard]] std::vector<std::string> kernel_packages(std::string_view simulation);

// The release of the kernel in a tree into which its packages were unpacked, and its bzImage.
struct KernelFile {
  std::string release;
  std::filesystem::path kernel;
  std::filesystem::path modules;  // /lib/modules/RELEASE
};
[[nodiscard]] Result<KernelFile> find_kernel(const std::filesystem::path& tree);

}  // namespace strata::image

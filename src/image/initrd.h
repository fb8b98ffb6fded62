// The guest's initrd: the drivers of its disk and what mounts it. Debian's own is some fifty times larger.
#pragma once

#include "base/result.h"
#include "image/cpio.h"

#include <filesystem>
#include <string>

namespace strata::image {

// Puts the drivers of a machine's disk and network in, as modules/NNN-NAME.ko in the order of loading. `modules` is
// /lib/modules/RELEASE of the kernel.
[[nodiscard]] Result<void> add_modules(CpioArchive& initrd, const std::filesystem::path& modules);

// Writes an initrd for the kernel of that release from the guest's own files in `tree`.
[[nodiscard]] Result<void> make_initrd(const std::filesystem::path& tree, const std::string& release,
                                       const std::filesystem::path& initrd);

}  // namespace strata::image

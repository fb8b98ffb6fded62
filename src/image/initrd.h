// The guest's initrd: the drivers of its disk and a script that mounts it. Debian's own is some fifty times larger.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace strata::image {

// The modules behind `names` and all they need, in the order of loading, as paths under /lib/modules/RELEASE. A name
// that is built into the kernel needs none. `modules` is that folder in the guest's tree.
[[nodiscard]] Result<std::vector<std::string>> modules_to_load(const std::filesystem::path& modules,
                                                               const std::vector<std::string>& names);

// Writes an initrd for the kernel of that release from the guest's own files in `tree`.
[[nodiscard]] Result<void> make_initrd(const std::filesystem::path& tree, const std::string& release,
                                       const std::filesystem::path& initrd);

}  // namespace strata::image

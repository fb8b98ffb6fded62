// A kernel's modules: which ones a driver needs, and their content as the kernel takes it.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

struct Module {
  std::string name;     // ext4; the kernel takes - and _ for the same, and so do we
  std::string content;  // not compressed
};

// The modules behind `names` and all that they need, in the order of loading. What each needs it says itself, so no
// `depmod` has to have run. A name that is built into the kernel needs none; one that ends in `?` may be missing.
// `directory` is /lib/modules/RELEASE of the kernel.
[[nodiscard]] Result<std::vector<Module>> modules_to_load(const std::filesystem::path& directory,
                                                          const std::vector<std::string>& names);

// A whole file, unpacked if it is compressed (modules are, by xz or zstd).
[[nodiscard]] Result<std::string> read_unpacked(const std::filesystem::path& path);

}  // namespace strata::image

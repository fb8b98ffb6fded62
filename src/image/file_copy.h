// Files of layers, by descriptor: copies of single ones with their attributes, removal of whole trees.
#pragma once

#include "base/result.h"

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::image {

// The owner that a copy gets; nothing: the caller's own.
using OwnerFn = std::function<Result<std::optional<std::pair<uid_t, gid_t>>>(const struct stat&)>;

[[nodiscard]] bool is_whiteout(const struct stat& status);
[[nodiscard]] bool is_opaque(int directory);

// Without `.` and `..`.
[[nodiscard]] Result<std::vector<std::string>> names_in(int directory);
// Removes what has the name, with all below it; symbolic links are removed, not followed. Nothing there is no error.
[[nodiscard]] Result<void> remove_at(int parent, const std::string& name);

// Gives `to` the owner, mode, extended attributes (but overlayfs's) and time of `from`.
[[nodiscard]] Result<void> copy_attributes(int from, int to, const struct stat& status, const OwnerFn& owner);
// A regular file, symbolic link or fifo of `from` under the same name in `to`, where nothing has it.
[[nodiscard]] Result<void> copy_file(int from, int to, const std::string& name, const struct stat& status,
                                     const OwnerFn& owner);

}  // namespace strata::image

// Small files of the kernel, read and written whole.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace strata::container {

/// The contents; an error if it has more than `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = 1 << 20);
/// Writes an existing file with one write, as the kernel's files want it.
[[nodiscard]] Result<void> write_file(const std::string& path, std::string_view text);
/// Makes a file that is not there yet.
[[nodiscard]] Result<void> make_file(const std::string& path, std::string_view text);
/// Makes the file, or replaces it as a whole: readers see the old or the new contents.
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view text);
[[nodiscard]] bool exists(const std::string& path);
[[nodiscard]] bool is_directory(int fd);

}  // namespace strata::container

// Headers of hexadecimal digits, names and contents, each filled up to four octets.
#include "image/cpio.h"

#include <fmt/format.h>

#include <utility>

namespace strata::image {

void CpioArchive::add(std::string_view name, unsigned mode, std::string_view content) {
  const auto fill = [this] { bytes_.resize((bytes_.size() + 3) / 4 * 4); };
  // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  bytes_ += fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}",
                        ++last_inode_, mode, 0, 0, 1, 0, content.size(), 0, 0, 0, 0, name.size() + 1, 0);
  bytes_ += name;
  bytes_ += '\0';
  fill();
  bytes_ += content;
  fill();
}

std::string CpioArchive::finish() {
  add("TRAILER!!!", 0, {});
  return std::exchange(bytes_, {});
}

}  // namespace strata::image

// An initrd's archive: cpio of the form "newc", as the kernel unpacks it (Documentation/driver-api/early-userspace).
#pragma once

#include <string>
#include <string_view>

namespace strata::image {

// Everything in it belongs to root. Folders come before what is in them. Several archives one after another, each with a
// length that is a multiple of 4, are one initrd; a later file takes the place of an earlier one.
class CpioArchive {
 public:
  void add_directory(std::string_view name) { add(name, 0040755, {}); }
  void add_link(std::string_view name, std::string_view to) { add(name, 0120777, to); }
  void add_program(std::string_view name, std::string_view content) { add(name, 0100755, content); }
  void add_file(std::string_view name, std::string_view content) { add(name, 0100600, content); }

  // The whole archive; nothing can be added after.
  [[nodiscard]] std::string finish();

 private:
  void add(std::string_view name, unsigned mode, std::string_view content);

  std::string bytes_;
  unsigned last_inode_ = 0;
};

}  // namespace strata::image

// LogFile: what a container prints, as lines with time and stream, in files that are kept from growing.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::container {

/// Writes the format of the kubelet's container logs (docs/formats/containers.md): `TIME STREAM TAG BYTES`, where the tag
/// is F for a line and P for a part of one. Nothing is held back: what was printed is in the file.
class LogFile {
 public:
  /// `path` is continued; at `bytes` it becomes path.1, that path.2, and so on to `files` in all.
  LogFile(std::string path, std::uint64_t bytes, unsigned files)
      : path_(std::move(path)), bytes_(bytes), files_(files) {}

  void set_limits(std::uint64_t bytes, unsigned files) {
    bytes_ = bytes;
    files_ = files;
  }

  /// `stream` is stdout or stderr. What cannot be written (a full disk) is lost: the program is not to wait for it.
  void write(std::string_view stream, std::string_view bytes);

 private:
  void write_line(std::string_view stream, char tag, std::string_view text);
  void rotate();
  bool open();

  std::string path_;
  std::uint64_t bytes_;
  unsigned files_;
  UniqueFd file_;
  std::uint64_t size_ = 0;
};

}  // namespace strata::container

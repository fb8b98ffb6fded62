// Images: whole root file systems with a kernel, built from Debian packages and kept under a name.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

struct ImageInfo {
  std::string name;                // debian:trixie; of an architecture that is not amd64, debian:bookworm-i386
  std::string suite;               // trixie
  std::string architecture;        // Debian's word: amd64, i386
  std::string kernel_release;      // as uname -r says it inside
  std::string command_line;        // for the kernel: root disk and console
  std::string created;             // UTC, ISO 8601
  std::uint64_t disk_bytes = 0;    // as the guest sees the disk
  std::uint64_t stored_bytes = 0;  // what the image takes on the host, all files together
};

struct Image {
  ImageInfo info;
  std::filesystem::path disk;    // raw, the whole disk is one ext4 file system; the first virtio disk of the guest
  std::filesystem::path kernel;  // bzImage
  std::filesystem::path initrd;
};

struct BuildOptions {
  std::string source;  // debian:SUITE
  std::string architecture = "amd64";
  std::string name = {};                              // empty: name_of_build()
  std::vector<std::string> packages = {};             // of Debian, besides those that make a system
  std::uint64_t disk_bytes = std::uint64_t{4} << 30;  // sparse: takes only what is used
  bool replace = false;                               // an image of that name gives way when the new one is complete
  int cancel_fd = -1;  // when it becomes readable the build stops with the error `cancelled`
};

struct Progress {
  std::string_view phase;  // "installing packages"; valid during the call
  double fraction;         // of the whole build, 0 to 1, never falling
};
using ProgressFn = std::function<void(const Progress&)>;

// The name under which such a build is kept if it is given none; a usage error if there is no such source or architecture.
[[nodiscard]] Result<std::string> name_of_build(std::string_view source, std::string_view architecture);

// Builds an image. It appears under its name only when complete; whatever stops the build leaves nothing behind.
[[nodiscard]] Result<Image> build(const BuildOptions& options, const ProgressFn& on_progress = {});

// All images, by name.
[[nodiscard]] Result<std::vector<ImageInfo>> list();

[[nodiscard]] Result<Image> find(std::string_view name);

[[nodiscard]] Result<void> remove(std::string_view name);

}  // namespace strata::image

// Images: whole root file systems with a kernel, built from Debian packages and kept under a name.
#pragma once

#include "base/result.h"
#include "image/digest.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::image {

// An image has layers (for containers, and to make a disk from), a disk with a kernel (for machines), or both.
struct ImageInfo {
  std::string name;                     // debian:trixie, localhost:5000/team/app:1.0 (names.h)
  std::string suite;                    // trixie; empty if it was not built here
  std::string architecture;             // Debian's word: amd64, i386
  std::string kernel_release;           // as uname -r says it inside; empty without a disk
  std::string command_line;             // for the kernel: root disk and console
  std::string created;                  // UTC, ISO 8601
  std::uint64_t disk_bytes = 0;         // as the guest sees the disk; 0: there is none
  std::uint64_t layer_bytes = 0;        // of the compressed layers, shared or not
  std::uint64_t stored_bytes = 0;       // what disk and kernel take on the host
  std::optional<Digest> manifest = {};  // of the layers; open_image.h reads it
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

// Gives the name to the image of that manifest, of which all blobs are in the store; its `created`, architecture and sizes
// are taken from there. An image of layers that had the name loses it (the disk made from it goes too); one that only has
// a disk is not replaced (already_exists).
[[nodiscard]] Result<void> tag(std::string_view name, const Digest& manifest);

// An image that a container or a running machine uses is an error (busy) that says which.
[[nodiscard]] Result<void> remove(std::string_view name);

}  // namespace strata::image

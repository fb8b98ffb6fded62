// The image store: one folder per image, and hidden ones for builds under way.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "image/image.h"

#include <filesystem>
#include <string_view>

namespace strata::image {

// $XDG_DATA_HOME/strata/images.
[[nodiscard]] Result<std::filesystem::path> store_directory();

// Letters, digits and ._+- with one colon at most; so a name is a path's last part and nothing else.
[[nodiscard]] Result<void> check_name(std::string_view name);

// What an image's folder holds.
inline constexpr std::string_view disk_file = "disk.raw";
inline constexpr std::string_view kernel_file = "kernel";
inline constexpr std::string_view initrd_file = "initrd";
inline constexpr std::string_view info_file = "image.json";

[[nodiscard]] Result<void> write_info(const std::filesystem::path& directory, const ImageInfo& info);

// Removes a folder with all that is in it, also where folders inside are not writable; but nothing that is mounted there.
void remove_tree(const std::filesystem::path& directory);

// A folder in the store for a build under way. It goes away with this object, unless published. It is locked as long as
// its builder lives, so that those of dead builders can be told apart and swept.
class Staging {
 public:
  // Sweeps what dead builders left, then makes a new folder.
  [[nodiscard]] static Result<Staging> create(std::string_view name);

  Staging(Staging&&) = default;
  Staging& operator=(Staging&&) = delete;
  ~Staging();

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  // A folder in $TMPDIR that other users may enter, for a child that works as several; it goes where directory() goes.
  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }

  // Brings all files to the disk and gives the folder its name. An image that has the name gives way if `replace`.
  [[nodiscard]] Result<void> publish(std::string_view name, bool replace);

 private:
  Staging(std::filesystem::path directory, UniqueFd lock) : directory_(std::move(directory)), lock_(std::move(lock)) {}
  Result<void> make_temporary();

  std::filesystem::path directory_;
  std::filesystem::path temporary_;
  UniqueFd lock_;  // the folder itself, under flock; empty when there is nothing left to remove
};

}  // namespace strata::image

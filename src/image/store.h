// The image store: one folder per image, and hidden ones for builds under way.
#pragma once

#include "base/result.h"
#include "image/image.h"
#include "image/staging.h"

#include <filesystem>
#include <string_view>

namespace strata::image {

// $XDG_DATA_HOME/strata/images.
[[nodiscard]] Result<std::filesystem::path> store_directory();

// What an image's folder holds.
inline constexpr std::string_view disk_file = "disk.raw";
inline constexpr std::string_view kernel_file = "kernel";
inline constexpr std::string_view initrd_file = "initrd";
inline constexpr std::string_view info_file = "image.json";

[[nodiscard]] Result<void> write_info(const std::filesystem::path& directory, const ImageInfo& info);

// The folder of that image; it may not be there.
[[nodiscard]] Result<std::filesystem::path> folder_of(std::string_view name);

// A folder for a build under way; publish() gives it the image's name.
[[nodiscard]] Result<StagingFolder> stage_image(std::string_view name);
// Brings all files to the disk and gives the folder its name. An image that has the name gives way if `replace`.
[[nodiscard]] Result<void> publish_image(StagingFolder& staging, std::string_view name, bool replace);

}  // namespace strata::image

// Folders under way: hidden, locked by their maker, removed with him, and named when they are whole.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace strata::image {

// Removes a folder with all that is in it, also where folders inside are not writable; but nothing that is mounted there.
void remove_tree(const std::filesystem::path& directory);

// Brings a file or folder to the disk.
[[nodiscard]] Result<void> sync_to_disk(const std::filesystem::path& path);

// Removes the staging folders in `parent` whose makers died; gives the bytes that they took.
std::uint64_t sweep_dead_stagings(const std::filesystem::path& parent);

// What the files below take on the host's disk.
[[nodiscard]] std::uint64_t stored_bytes_of(const std::filesystem::path& directory);

class StagingFolder {
 public:
  // Sweeps what dead makers left in `parent` (made if it is not there), then makes a new folder in it.
  [[nodiscard]] static Result<StagingFolder> create(const std::filesystem::path& parent, std::string_view label);

  StagingFolder(StagingFolder&&) = default;
  StagingFolder& operator=(StagingFolder&&) = delete;
  ~StagingFolder();

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  // Gives the folder its name in the parent; on the disk when this returns, if it is to be durable. What has the name gives
  // way if `replace`, else the error is `already_exists`.
  [[nodiscard]] Result<void> publish(std::string_view name, bool replace, bool durable = true);

  // A folder in $TMPDIR that other users may enter, for a child that works as several; it goes where this one goes, also after a crash.
  [[nodiscard]] Result<void> make_temporary();
  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }

 private:
  StagingFolder(std::filesystem::path directory, UniqueFd lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}
  void drop_temporary();

  std::filesystem::path directory_;
  std::filesystem::path temporary_;
  UniqueFd lock_;  // the folder itself, under flock; empty when there is nothing left to remove
};

}  // namespace strata::image

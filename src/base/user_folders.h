// The folders in which Strata keeps what belongs to a user, by the XDG Base Directory Specification.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace strata {

/// $XDG_DATA_HOME/strata, else $HOME/.local/share/strata: what lasts. May not be there yet.
[[nodiscard]] Result<std::filesystem::path> data_folder();

/// $XDG_RUNTIME_DIR/strata, else /run/user/UID/strata, else data_folder()/run: what belongs to running things. Made, for
/// this user only; a folder there that is not this user's own is refused.
[[nodiscard]] Result<std::filesystem::path> runtime_folder();

/// Makes `folder` and those above it, for this user only.
[[nodiscard]] Result<void> make_private_folder(const std::filesystem::path& folder);

[[nodiscard]] Result<std::string> read_whole_file(const std::filesystem::path& path);

/// A file that is about to replace another one: written beside it, and gone again unless it is published.
class StagedFile {
 public:
  static Result<StagedFile> write(const std::filesystem::path& path, std::string_view content);
  StagedFile(StagedFile&&) = default;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  /// After a crash the file is either the old or the new one, whole; on the disk when this returns.
  [[nodiscard]] Result<void> publish();

 private:
  StagedFile(std::filesystem::path path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}
  std::filesystem::path temporary() const { return path_.string() + ".new"; }

  std::filesystem::path path_;
  UniqueFd file_;
};

/// Both at once.
[[nodiscard]] Result<void> write_durably(const std::filesystem::path& path, std::string_view content);

}  // namespace strata

// TreeWriter: makes the entries of a hostile archive below a folder, and nothing outside of it.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::image {

// How a file is to be, besides its content.
struct EntryAttributes {
  mode_t mode = 0;  // without the type
  uid_t user = 0;
  gid_t group = 0;
  timespec modified{};
  std::vector<std::pair<std::string, std::string>> extended = {};
};

// Paths are relative, without empty components, `.` and `..` (clean_path()).
class TreeWriter {
 public:
  // `owners`: files get the users and groups of their attributes.
  TreeWriter(int root, bool owners) : root_(root), owners_(owners) {}

  [[nodiscard]] Result<void> add_directory(const std::string& path, const EntryAttributes& attributes);
  [[nodiscard]] Result<void> add_symlink(const std::string& path, const std::string& target,
                                         const EntryAttributes& attributes);
  [[nodiscard]] Result<void> add_hard_link(const std::string& path, const std::string& target);
  [[nodiscard]] Result<void> add_fifo(const std::string& path, const EntryAttributes& attributes);
  // The file, open for writing; finish_file() gives it its attributes.
  [[nodiscard]] Result<UniqueFd> add_file(const std::string& path);
  [[nodiscard]] Result<void> finish_file(int file, const std::string& path, const EntryAttributes& attributes) const;
  // Hides what lower layers have under that name, or all that they have in that directory.
  [[nodiscard]] Result<void> add_whiteout(const std::string& path);
  [[nodiscard]] Result<void> make_opaque(const std::string& path);

  // Gives directories their attributes: last, as a file made in them changes their time, and they may be read-only.
  [[nodiscard]] Result<void> finish();

  // Directories that were made on the way to something and never named themselves.
  [[nodiscard]] const std::set<std::string>& implied_directories() const { return implied_; }

 private:
  struct Place {
    int directory;
    std::string name;
  };
  // The directory that holds the path's last component, made if it is missing. Valid until the next call.
  Result<Place> place_of(const std::string& path);
  Result<UniqueFd> open_directory(const std::string& path);
  Result<UniqueFd> make_directories(const std::string& path);
  Result<void> make_one_directory(const std::string& path, int parent, const std::string& name);
  // Nothing has the name afterwards.
  Result<void> clear(const Place& place, const std::string& path);
  Result<void> set_opaque(int directory, const std::string& path) const;
  Result<void> set_attributes(int fd, const std::string& path, const EntryAttributes& attributes) const;

  const int root_;
  const bool owners_;
  std::string last_parent_;  // the parent that was opened last, as most entries follow their siblings
  UniqueFd last_directory_;
  std::map<std::string, EntryAttributes> directories_;
  std::set<std::string> implied_{""};  // the root, until it names itself
};

// The path of an archive's entry in the form that TreeWriter takes; empty for the root itself. `..` is an error.
[[nodiscard]] Result<std::string> clean_path(std::string_view path);

}  // namespace strata::image

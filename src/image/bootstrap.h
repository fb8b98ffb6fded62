// The root file system as an archive, made from Debian packages by mmdebstrap.
#pragma once

#include "base/result.h"
#include "image/apt_sources.h"
#include "image/recipe.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace strata::image {

// Follows mmdebstrap's verbose output: which phase it is in, how far, and what went wrong.
class BootstrapLog {
 public:
  struct State {
    std::string_view phase = "starting";
    double fraction = 0;  // of the bootstrap, 0 to 1
  };

  // True if the state has changed.
  bool add_line(std::string_view line);

  [[nodiscard]] const State& state() const { return state_; }
  // The line that tells most about a failure; empty if there is none.
  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  [[nodiscard]] bool disk_is_full() const { return disk_is_full_; }
  // It pretends to be root, as it could not become another user; that works with few suites.
  [[nodiscard]] bool is_pretending() const { return is_pretending_; }

 private:
  bool count_package(std::string_view line);
  void note_trouble(std::string_view line);

  State state_;
  std::size_t phase_ = 0;
  unsigned packages_ = 0;       // that this phase is to install
  unsigned packages_done_ = 0;  // fetched or set up
  std::string complaint_;
  std::string last_line_;  // before the complaint
  bool disk_is_full_ = false;
  bool is_pretending_ = false;
};

using BootstrapProgress = std::function<void(const BootstrapLog::State&)>;

// Writes the archive to `directory`/rootfs.tar. mmdebstrap keeps what it needs meanwhile in `temporary`, which other users
// must be able to enter: it works as several.
[[nodiscard]] Result<std::filesystem::path> bootstrap(const Recipe& recipe, const AptSources& sources,
                                                      const std::filesystem::path& directory,
                                                      const std::filesystem::path& temporary,
                                                      const BootstrapProgress& on_progress, int cancel_fd);

}  // namespace strata::image

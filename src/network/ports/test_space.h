// For tests: a network namespace with a name of its own, gone at the end whatever happens.
#pragma once

#include <unistd.h>

#include <string>

#include "base/process.h"

namespace strata::network::ports {

/// Runs `ip` with these words; whether it worked.
inline bool ip(const std::string& words) {
  const auto code = run_command({.arguments = {"sh", "-c", "ip " + words}, .show_errors = false});
  return code && *code == 0;
}

class TestSpace {
 public:
  explicit TestSpace(const std::string& name) : name_("strata-" + std::to_string(getpid()) + "-" + name) {
    added_ = ip("netns add " + name_);
    made_ =
        added_ && ip_in("link show lo");  // which mounts a /sys of its own: not everybody who makes one may enter it
  }
  ~TestSpace() {
    if (added_) ip("netns del " + name_);
  }
  TestSpace(const TestSpace&) = delete;
  TestSpace& operator=(const TestSpace&) = delete;

  /// False where we may not make or enter namespaces.
  bool made() const { return made_; }
  const std::string& name() const { return name_; }
  /// `ip` inside of it.
  bool ip_in(const std::string& words) const { return ip("-n " + name_ + " " + words); }

 private:
  std::string name_;
  bool added_ = false;
  bool made_ = false;
};

}  // namespace strata::network::ports

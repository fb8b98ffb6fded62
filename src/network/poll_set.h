// PollSet: file descriptors to wait for that change from moment to moment, as one that does not.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace strata::network {

/// An epoll instance. Its own descriptor is readable while one of those in it is ready.
class PollSet {
 public:
  static Result<PollSet> make();

  int fd() const { return epoll_.get(); }
  /// Waits for exactly these, each for its EPOLL… events.
  void replace(const std::map<int, uint32_t>& wanted);
  /// Before a descriptor is closed: its number may soon be another file's.
  void forget(int fd);

 private:
  explicit PollSet(UniqueFd epoll) : epoll_(std::move(epoll)) {}
  void watch(int fd, uint32_t events);

  UniqueFd epoll_;
  std::map<int, uint32_t> watched_;
};

}  // namespace strata::network

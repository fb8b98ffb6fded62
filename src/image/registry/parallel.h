// Several transfers at once, each thread with a connection of its own.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstddef>
#include <functional>

#include "image/registry/client.h"

namespace strata::image {

// A descriptor that becomes readable, and stays so, when all has to end.
class StopSignal {
 public:
  [[nodiscard]] static Result<StopSignal> make();
  void stop() const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit StopSignal(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

using TransferFn = std::function<Result<void>(RegistryClient& client, std::size_t i)>;

// Calls work(client, i) for each i below `count`, on a few threads. The first error stops the others through `stop` (one
// of the host's cancel_fds) and is the result. `tick` is called on the calling thread all the while.
[[nodiscard]] Result<void> in_parallel(RegistryHost& host, const StopSignal& stop, std::size_t count,
                                       const TransferFn& work, const std::function<void()>& tick);

}  // namespace strata::image

// Where work of a machine's devices goes that must not run where it comes up.
#pragma once

#include <functional>

namespace strata::iface {

/// From any thread.
class Executor {
 public:
  /// Runs `task` on the I/O thread with the device lock held, after what was posted before it, never from inside post.
  virtual void post(std::function<void()> task) = 0;

 protected:
  ~Executor() = default;
};

}  // namespace strata::iface

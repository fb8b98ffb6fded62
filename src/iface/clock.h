// Time as the machine sees it, and alarms set in it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace strata::iface {

/// Nanoseconds since the machine was made; stands still while the machine is paused. From any thread.
class Clock {
 public:
  virtual uint64_t now() = 0;

 protected:
  ~Clock() = default;
};

/// One alarm. The callback runs with the device lock held, never from inside arm or cancel.
class Timer {
 public:
  virtual ~Timer() = default;
  /// Calls back once when the clock has reached `deadline`, in place of what was armed before.
  virtual void arm(uint64_t deadline) = 0;
  virtual void cancel() = 0;
};

class Timers : public Clock {
 public:
  virtual std::unique_ptr<Timer> make(std::function<void()> callback) = 0;

 protected:
  ~Timers() = default;
};

}  // namespace strata::iface

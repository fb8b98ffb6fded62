// A machine's time and alarms, from the host's monotonic clock and an event loop's timers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/event_loop.h"
#include "iface/clock.h"
#include "memory/device_lock.h"

namespace strata::control {

/// Callbacks run on the loop's thread with the device lock held. Loop and lock outlive this, this outlives its timers.
class HostTimers final : public iface::Timers {
 public:
  HostTimers(EventLoop& loop, memory::DeviceLock& lock);
  ~HostTimers();

  uint64_t now() override;
  std::unique_ptr<iface::Timer> make(std::function<void()> callback) override;

  /// Time stands still between these two: no timer fires.
  void pause();
  void resume();

 private:
  class HostTimer;
  EventLoop::Clock::time_point host_time(uint64_t time) const;

  EventLoop& loop_;
  memory::DeviceLock& lock_;
  std::atomic<EventLoop::Clock::time_point> start_;  ///< when the clock would have been zero
  std::atomic<uint64_t> paused_at_ = 0;              ///< while paused_
  std::atomic<bool> paused_ = false;
  std::vector<HostTimer*> timers_;  ///< under lock_
};

}  // namespace strata::control

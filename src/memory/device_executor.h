// The Executor of a machine: its event loop, under its device lock.
#pragma once

#include <mutex>
#include <utility>

#include "base/event_loop.h"
#include "iface/executor.h"
#include "memory/address_space.h"

namespace strata::memory {

class DeviceExecutor final : public iface::Executor {
 public:
  DeviceExecutor(EventLoop& loop, DeviceLock& lock) : loop_(loop), lock_(lock) {}

  void post(std::function<void()> task) override {
    loop_.post([&lock = lock_, task = std::move(task)] {
      const std::lock_guard held(lock);
      task();
    });
  }

 private:
  EventLoop& loop_;
  DeviceLock& lock_;
};

}  // namespace strata::memory

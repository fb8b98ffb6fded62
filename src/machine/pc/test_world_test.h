// What tests of whole machines put around them: real time, and a console that remembers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/event_loop.h"
#include "iface/clock.h"
#include "iface/console.h"
#include "memory/device_lock.h"

namespace strata::machine::pc {

/// Real time, as simply as can be: the alarms ring from the event loop under the lock.
class LoopTimers final : public iface::Timers {
 public:
  LoopTimers(EventLoop& loop, memory::DeviceLock& lock) : loop_(loop), lock_(lock) {}
  uint64_t now() override {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(EventLoop::Clock::now() - start_).count());
  }
  std::unique_ptr<iface::Timer> make(std::function<void()> callback) override {
    return std::make_unique<Alarm>(*this, std::move(callback));
  }

 private:
  struct Alarm final : iface::Timer {
    Alarm(LoopTimers& timers, std::function<void()> callback)
        : owner(timers), state(std::make_shared<State>()), timer(owner.loop_, [s = state, &lock = owner.lock_] {
            const std::lock_guard guard(lock);
            if (s->armed && s->callback) {
              s->armed = false;
              s->callback();
            }
          }) {
      state->callback = std::move(callback);
    }
    ~Alarm() override { state->armed = false; }
    void arm(uint64_t deadline) override {
      state->armed = true;
      timer.set(owner.start_ + std::chrono::nanoseconds(deadline));
    }
    void cancel() override { state->armed = false; }
    struct State {
      bool armed = false;
      std::function<void()> callback;
    };
    LoopTimers& owner;
    std::shared_ptr<State> state;
    LoopTimer timer;
  };
  EventLoop& loop_;
  memory::DeviceLock& lock_;
  EventLoop::Clock::time_point start_ = EventLoop::Clock::now();
};

struct Printed : iface::Console {
  void write(std::span<const std::byte> bytes) override {
    for (const std::byte b : bytes) text += std::to_integer<char>(b);
  }
  size_t read(std::span<std::byte>) override { return 0; }
  void on_input(std::function<void()>) override {}
  std::string text;
};

}  // namespace strata::machine::pc

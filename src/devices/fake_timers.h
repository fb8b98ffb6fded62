// For tests: a clock that moves when the test says so.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "iface/clock.h"

namespace strata::devices {

class FakeTimers final : public iface::Timers {
 public:
  uint64_t now() override { return now_; }
  std::unique_ptr<iface::Timer> make(std::function<void()> callback) override {
    return std::make_unique<FakeTimer>(*this, std::move(callback));
  }

  /// Goes to `time`, calling on its way what is due, in order.
  void advance_to(uint64_t time) {
    for (;;) {
      FakeTimer* next = nullptr;
      for (FakeTimer* timer : timers_) {
        if (timer->deadline && *timer->deadline <= time && (!next || *timer->deadline < *next->deadline)) next = timer;
      }
      if (!next) break;
      now_ = std::max(now_, *next->deadline);
      next->deadline.reset();
      next->callback();
    }
    now_ = std::max(now_, time);
  }
  void advance(uint64_t by) { advance_to(now_ + by); }
  /// As a busy host: what is due within `by` is called only `delay` after that.
  void advance_late(uint64_t by, uint64_t delay) {
    const uint64_t due = now_ + by;
    now_ = due + delay;
    advance_to(due);
  }

  unsigned armed() const {
    return static_cast<unsigned>(std::ranges::count_if(timers_, [](FakeTimer* t) { return t->deadline.has_value(); }));
  }

 private:
  struct FakeTimer final : iface::Timer {
    FakeTimer(FakeTimers& timers, std::function<void()> call) : owner(timers), callback(std::move(call)) {
      owner.timers_.push_back(this);
    }
    ~FakeTimer() override { std::erase(owner.timers_, this); }
    void arm(uint64_t when) override { deadline = when; }
    void cancel() override { deadline.reset(); }
    FakeTimers& owner;
    std::function<void()> callback;
    std::optional<uint64_t> deadline;
  };

  uint64_t now_ = 0;
  std::vector<FakeTimer*> timers_;
};

}  // namespace strata::devices

// HostTimers: alarms are set with the event loop lazily, because guests move theirs far more often than they ring.
#include "control/host_timers.h"

#include <algorithm>
#include <mutex>
#include <optional>

namespace strata::control {

using std::chrono::nanoseconds;

/// The event loop's timer may ring early, when the alarm was moved to later or cancelled: then it is set again or
/// nothing happens. So it has to be touched only when an alarm comes before what it is set to.
class HostTimers::HostTimer final : public iface::Timer {
 public:
  HostTimer(HostTimers& timers, std::function<void()> callback)
      : state_(std::make_shared<State>(timers, std::move(callback))),
        alarm_(timers.loop_, [state = state_] { ring(*state); }) {
    state_->alarm = &alarm_;
    std::lock_guard guard(timers.lock_);
    timers.timers_.push_back(this);
  }
  ~HostTimer() override {
    std::lock_guard guard(state_->timers.lock_);
    state_->alarm = nullptr;
    state_->deadline.reset();
    std::erase(state_->timers.timers_, this);
  }

  void arm(uint64_t deadline) override {
    std::lock_guard guard(state_->timers.lock_);
    state_->deadline = deadline;
    if (state_->timers.paused_ || (state_->set_to && *state_->set_to <= deadline)) return;
    set();
  }
  void cancel() override {
    std::lock_guard guard(state_->timers.lock_);
    state_->deadline.reset();
  }
  /// After a pause: the loop's timer has another idea of the time.
  void set_again() {
    state_->set_to.reset();
    if (state_->deadline) set();
  }

 private:
  /// Shared with the loop's callback, which may be waiting for the lock while the timer goes away.
  struct State {
    State(HostTimers& owner, std::function<void()> call)
        : lock(owner.lock_), timers(owner), callback(std::move(call)) {}
    memory::DeviceLock& lock;
    HostTimers& timers;  ///< valid while alarm is set
    std::function<void()> callback;
    LoopTimer* alarm = nullptr;             ///< nullptr: the timer is gone
    std::optional<uint64_t> deadline = {};  ///< what the device wants
    std::optional<uint64_t> set_to = {};    ///< what the loop has been told
  };

  static void ring(State& state) {
    std::lock_guard guard(state.lock);
    state.set_to.reset();
    if (!state.alarm || !state.deadline || state.timers.paused_) return;
    if (state.timers.now() < *state.deadline) {
      set(state);
      return;
    }
    state.deadline.reset();
    state.callback();
  }
  void set() { set(*state_); }
  static void set(State& state) {
    state.set_to = state.deadline;
    state.alarm->set(state.timers.host_time(*state.deadline));
  }

  std::shared_ptr<State> state_;
  LoopTimer alarm_;
};

HostTimers::HostTimers(EventLoop& loop, memory::DeviceLock& lock)
    : loop_(loop), lock_(lock), start_(EventLoop::Clock::now()) {}

HostTimers::~HostTimers() = default;

uint64_t HostTimers::now() {
  if (paused_) return paused_at_;
  return static_cast<uint64_t>(
      std::chrono::duration_cast<nanoseconds>(EventLoop::Clock::now() - start_.load()).count());
}

EventLoop::Clock::time_point HostTimers::host_time(uint64_t time) const {
  constexpr uint64_t longest = uint64_t{1} << 62;  // a century: what the host's clock can hold, with room
  return start_.load() + nanoseconds(std::min(time, longest));
}

std::unique_ptr<iface::Timer> HostTimers::make(std::function<void()> callback) {
  return std::make_unique<HostTimer>(*this, std::move(callback));
}

void HostTimers::pause() {
  std::lock_guard guard(lock_);
  if (paused_) return;
  paused_at_ = now();
  paused_ = true;
}

void HostTimers::resume() {
  std::lock_guard guard(lock_);
  if (!paused_) return;
  start_ = EventLoop::Clock::now() - nanoseconds(paused_at_);
  paused_ = false;
  for (HostTimer* timer : timers_) timer->set_again();
}

}  // namespace strata::control

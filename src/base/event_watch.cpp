// What an event loop waits for: descriptors, timers, signals.
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <mutex>

#include "base/event_loop.h"
#include "base/event_loop_impl.h"

namespace strata {

// asio's objects may be used by one thread at a time: each State has a mutex for its own. It is not held during
// callbacks, so that a callback and who cancels it may take the same lock without a deadlock.

struct FdWatch::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, For for_what, EventLoop::Task task)
      : descriptor(loop.impl().context), what(for_what), callback(std::move(task)) {}

  void wait() {
    const auto type =
        what == For::reading ? asio::posix::descriptor_base::wait_read : asio::posix::descriptor_base::wait_write;
    descriptor.async_wait(type, [self = shared_from_this()](const std::error_code& error) { self->ready(error); });
  }

  void ready(const std::error_code& error) {
    if (error == asio::error::operation_aborted) return;
    {
      const std::lock_guard lock(mutex);
      if (!active) return;
    }
    callback();
    const std::lock_guard lock(mutex);
    if (!active) return;
    if (error) {  // a file that epoll does not take: it never blocks, so it is always ready
      asio::post(descriptor.get_executor(), [self = shared_from_this()] { self->ready(asio::error::not_found); });
    } else {
      wait();
    }
  }

  std::mutex mutex;
  bool active = true;
  asio::posix::stream_descriptor descriptor;
  For what;
  EventLoop::Task callback;
};

Result<FdWatch> FdWatch::make(EventLoop& loop, int fd, For what, EventLoop::Task callback) {
  auto state = std::make_shared<State>(loop, what, std::move(callback));
  std::error_code error;
  state->descriptor.assign(fd, error);
  if (error) {
    return tl::unexpected<Error>(error_from_errno(error.value()).context("waiting for file descriptor {}", fd));
  }
  const std::lock_guard lock(state->mutex);
  state->wait();
  return FdWatch(std::move(state));
}

void FdWatch::cancel() {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  state_->active = false;
  state_->descriptor.release();
}

FdWatch::~FdWatch() { cancel(); }

FdWatch& FdWatch::operator=(FdWatch&& other) noexcept {
  cancel();
  state_ = std::move(other.state_);
  return *this;
}

struct LoopTimer::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, EventLoop::Task task) : timer(loop.impl().context), callback(std::move(task)) {}

  void wait(uint64_t which) {
    timer.async_wait([self = shared_from_this(), which](const std::error_code&) { self->fire(which); });
  }

  void fire(uint64_t which) {
    {
      const std::lock_guard lock(mutex);
      if (which != generation) return;  // set anew or cancelled since
      ++generation;
    }
    callback();
  }

  std::mutex mutex;
  uint64_t generation = 0;
  asio::steady_timer timer;
  EventLoop::Task callback;
};

LoopTimer::LoopTimer(EventLoop& loop, EventLoop::Task callback)
    : state_(std::make_shared<State>(loop, std::move(callback))) {}

void LoopTimer::set(EventLoop::Clock::time_point deadline) {
  const std::lock_guard lock(state_->mutex);
  ++state_->generation;
  state_->timer.expires_at(deadline);
  state_->wait(state_->generation);
}

void LoopTimer::cancel() {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  ++state_->generation;
  state_->timer.cancel();
}

LoopTimer::~LoopTimer() { cancel(); }

LoopTimer& LoopTimer::operator=(LoopTimer&& other) noexcept {
  cancel();
  state_ = std::move(other.state_);
  return *this;
}

struct SignalWatch::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, Callback call) : signals(loop.impl().context), callback(std::move(call)) {}

  void wait() {
    signals.async_wait([self = shared_from_this()](const std::error_code& error, int signal_number) {
      if (!error) self->come(signal_number);
    });
  }

  void come(int signal_number) {
    {
      const std::lock_guard lock(mutex);
      if (!active) return;
    }
    callback(signal_number);
    const std::lock_guard lock(mutex);
    if (active) wait();
  }

  std::mutex mutex;
  bool active = true;
  asio::signal_set signals;
  Callback callback;
};

Result<SignalWatch> SignalWatch::make(EventLoop& loop, std::initializer_list<int> signals, Callback callback) {
  auto state = std::make_shared<State>(loop, std::move(callback));
  for (const int signal_number : signals) {
    std::error_code error;
    state->signals.add(signal_number, error);
    if (error) {
      return tl::unexpected<Error>(error_from_errno(error.value()).context("waiting for signal {}", signal_number));
    }
  }
  const std::lock_guard lock(state->mutex);
  state->wait();
  return SignalWatch(std::move(state));
}

void SignalWatch::cancel() {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  state_->active = false;
  std::error_code ignored;
  state_->signals.cancel(ignored);  // before clear(), which would forget who waits
  state_->signals.clear(ignored);
}

SignalWatch::~SignalWatch() { cancel(); }

SignalWatch& SignalWatch::operator=(SignalWatch&& other) noexcept {
  cancel();
  state_ = std::move(other.state_);
  return *this;
}

}  // namespace strata

// EventLoop: one thread that waits for file descriptors, timers, signals and posted work, and calls back.
// asio stands behind it and out of this header.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "base/result.h"

namespace strata {

// All members of all four classes may be called from any thread. Callbacks run on the loop's thread, one at a time.
// After a watch, timer or signal has been cancelled or destroyed, its callback is not begun again; on another thread
// than the loop's, one that had begun may still be running. All of them are destroyed before their loop.
class EventLoop {
 public:
  using Task = std::function<void()>;
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> make();
  // Stops, and waits for the loop's own thread. Work that was posted and did not run is dropped.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs `task` on the loop's thread, after what was posted before it, never from inside post.
  void post(Task task);

  // Makes the calling thread the loop's thread until stop().
  void run();
  // Runs on a thread of the loop's own until stop().
  [[nodiscard]] Result<void> start();
  // run() returns after the callback that is running. Work posted later waits for the next run().
  void stop();
  // stop(), and waits until start()'s thread has ended. Not from that thread.
  void join();

  [[nodiscard]] bool on_loop_thread() const;

  struct Impl;  // asio's io_context
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  EventLoop();
  std::unique_ptr<Impl> impl_;
};

// Calls back while a descriptor is readable, writable, or both (level-triggered). The descriptor stays the caller's
// and outlives the watch; files that never block, such as regular ones, are always ready. End of file and errors of a
// descriptor count as ready.
class FdWatch {
 public:
  enum class For { reading, writing };

  [[nodiscard]] static Result<FdWatch> make(EventLoop& loop, int fd, For what, EventLoop::Task callback);
  FdWatch(FdWatch&&) noexcept = default;
  FdWatch& operator=(FdWatch&& other) noexcept;
  ~FdWatch();

 private:
  struct State;
  explicit FdWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}
  void cancel();
  std::shared_ptr<State> state_;  // shared with asio's handler, which may outlive the watch by a moment
};

// One alarm.
class LoopTimer {
 public:
  LoopTimer(EventLoop& loop, EventLoop::Task callback);
  LoopTimer(LoopTimer&&) noexcept = default;
  LoopTimer& operator=(LoopTimer&& other) noexcept;
  ~LoopTimer();

  // Calls back once when `deadline` has come, in place of what was set before.
  void set(EventLoop::Clock::time_point deadline);
  void set_after(EventLoop::Clock::duration delay) { set(EventLoop::Clock::now() + delay); }
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with asio's handler, as above
};

// Calls back when one of these signals has come, with its number; they no longer end the program.
class SignalWatch {
 public:
  using Callback = std::function<void(int signal_number)>;

  [[nodiscard]] static Result<SignalWatch> make(EventLoop& loop, std::initializer_list<int> signals, Callback callback);
  SignalWatch(SignalWatch&&) noexcept = default;
  SignalWatch& operator=(SignalWatch&& other) noexcept;
  ~SignalWatch();

 private:
  struct State;
  explicit SignalWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}
  void cancel();
  std::shared_ptr<State> state_;  // shared with asio's handler, as above
};

}  // namespace strata

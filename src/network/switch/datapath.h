// Datapath: a bridge and the cables in its ports, and the loop that moves the frames between them.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "network/bridge/bridge.h"
#include "network/ports/port.h"

namespace strata::network {

struct DatapathOptions {
  /// How long it goes on looking for frames before it sleeps. 0: not at all; bridge::never: it never sleeps, and takes a
  /// processor for itself. Saves the time of waking up for frames that come soon after others.
  bridge::Time poll{0};
};

/// Sees the frames at the cables as they are there: before the bridge has judged them, and after it has.
class FrameWatcher {
 public:
  enum class Direction : uint8_t { in, out };  ///< as seen from the switch
  virtual void frame(bridge::PortId port, Direction direction, const ports::Frame& frame) = 0;

 protected:
  ~FrameWatcher() = default;
};

/// One thread does it all: that of start(), or who calls turn(). Everything but post(), call() and stop() is for that
/// thread, or for anybody while it does not run.
class Datapath {
 public:
  using Task = std::function<void()>;
  /// The cable of this port is gone for good, and was taken out; the port of the bridge is there, and down.
  using GoneFn = std::function<void(bridge::PortId, const Error&)>;

  static Result<std::unique_ptr<Datapath>> make(const bridge::BridgeConfig& config,
                                                const DatapathOptions& options = {});
  ~Datapath();
  Datapath(const Datapath&) = delete;
  Datapath& operator=(const Datapath&) = delete;

  static bridge::Time now();

  bridge::Bridge& bridge() { return *bridge_; }
  bridge::FramePool& pool() { return pool_; }

  /// Plugs a cable into a port of the bridge, in place of one that may be there; frames that wait are sent by the new one.
  Result<void> plug_in(bridge::PortId id, std::unique_ptr<ports::Port> port);
  /// Takes the cable out of the port, which is down then. Before Bridge::remove_port(). It is to be destroyed before the
  /// datapath, whose memory it has.
  std::unique_ptr<ports::Port> pull_out(bridge::PortId id);
  /// The cable in this port; nullptr if there is none.
  ports::Port* port(bridge::PortId id) { return id < slots_.size() && slots_[id] ? slots_[id]->port.get() : nullptr; }
  /// Called on the datapath's thread, not from inside any other call.
  void on_gone(GoneFn callback) { gone_ = std::move(callback); }
  void set_options(const DatapathOptions& options) { options_ = options; }
  /// Who sees every frame; nullptr: nobody.
  void watch(FrameWatcher* watcher) { watcher_ = watcher; }

  /// One turn: waits up to `longest` for a frame or a deadline, then moves what there is. False: nothing was there.
  bool turn(bridge::Time longest);

  /// Turns on a thread of its own until stop().
  Result<void> start();
  void stop();

  /// Runs `task` on the datapath's thread between two turns; from any thread.
  void post(Task task);
  /// As post(), and waits for what `function` returns. Not while another thread calls stop().
  template <class Function>
  auto call(Function function) -> decltype(function());

 private:
  struct Slot {
    std::unique_ptr<ports::Port> port;
    uint32_t waits_for = 0;  ///< EPOLL… events
  };

  Datapath(const DatapathOptions& options, UniqueFd epoll, UniqueFd wake);
  void run();
  bool on_own_thread() const { return !running_ || std::this_thread::get_id() == own_thread_; }

  bridge::Time next_deadline() const;
  int sleep_ms(bridge::Time longest) const;
  bool serve(bridge::PortId id);
  void tick();
  void transmit();
  /// Brings what epoll waits for and the port's state in the bridge in line with the cable.
  void settle(bridge::PortId id);
  void set_link(bridge::PortId id);
  void lose(bridge::PortId id, Error error);
  void run_tasks();

  DatapathOptions options_;
  UniqueFd epoll_, wake_;
  bridge::FramePool pool_;
  std::unique_ptr<bridge::Bridge> bridge_;
  std::vector<std::unique_ptr<Slot>> slots_;  ///< by PortId
  std::vector<bridge::PortId> timed_;         ///< ports with a deadline
  std::vector<bridge::PortId> without_fd_;    ///< asked in every turn
  std::vector<bridge::PortId> again_;         ///< had more than one turn takes
  bool unsent_ = false;                       ///< queues have more than one turn sends
  std::vector<ports::Frame> received_;        ///< kept for its memory
  bridge::Time now_{}, last_work_{};
  GoneFn gone_;
  FrameWatcher* watcher_ = nullptr;

  std::mutex tasks_lock_;
  std::vector<Task> tasks_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> running_ = false;
  std::thread thread_;
  std::atomic<std::thread::id> own_thread_;
};

template <class Function>
auto Datapath::call(Function function) -> decltype(function()) {
  if (on_own_thread()) return function();
  std::packaged_task<decltype(function())()> task(std::move(function));
  auto result = task.get_future();
  post([&task] { task(); });
  return result.get();
}

}  // namespace strata::network

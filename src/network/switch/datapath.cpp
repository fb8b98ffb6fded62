// A turn: wait, receive from who has frames, send what that has put into queues, do what is due.
#include "network/switch/datapath.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/thread.h"

namespace strata::network {
namespace {

using bridge::PortId;
using bridge::Time;

constexpr uint32_t wake_id = UINT32_MAX;
/// Of one port, before others have their turn. Small: sixteen frames of 64 KiB still are in the processor's cache when
/// they are sent.
constexpr size_t frames_a_turn = 16;
constexpr size_t transmit_budget = 64;
constexpr size_t events_a_turn = 64;

/// For a port without a cable.
class Nowhere final : public bridge::Sink {
 public:
  size_t send(std::span<ports::Frame> frames) override {
    for (auto& frame : frames) frame = {};
    return frames.size();
  }
};

/// A cable with somebody who looks at what it takes.
class WatchedSink final : public bridge::Sink {
 public:
  WatchedSink(PortId id, bridge::Sink& sink, FrameWatcher& watcher) : id_(id), sink_(sink), watcher_(watcher) {}
  size_t send(std::span<ports::Frame> frames) override {
    copies_.clear();
    for (const auto& frame : frames) copies_.push_back(frame.share());
    const size_t taken = sink_.send(frames);
    for (size_t i = 0; i < taken; ++i) watcher_.frame(id_, FrameWatcher::Direction::out, copies_[i]);
    return taken;
  }

 private:
  PortId id_;
  bridge::Sink& sink_;
  FrameWatcher& watcher_;
  std::vector<ports::Frame> copies_;
};

void add_once(std::vector<PortId>& list, PortId id) {
  if (std::find(list.begin(), list.end(), id) == list.end()) list.push_back(id);
}

}  // namespace

Datapath::Datapath(const DatapathOptions& options, UniqueFd epoll, UniqueFd wake)
    : options_(options), epoll_(std::move(epoll)), wake_(std::move(wake)), slots_(bridge::max_ports) {}

Result<std::unique_ptr<Datapath>> Datapath::make(const bridge::BridgeConfig& config, const DatapathOptions& options) {
  UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC)), wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!epoll || !wake) return fail_errno("making the switch's epoll");
  epoll_event event = {.events = EPOLLIN, .data = {.u32 = wake_id}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) return fail_errno("making the switch's epoll");
  std::unique_ptr<Datapath> datapath(new Datapath(options, std::move(epoll), std::move(wake)));
  datapath->bridge_ = STRATA_TRY(bridge::Bridge::make(datapath->pool_, config));
  return datapath;
}

Datapath::~Datapath() {
  stop();
  received_.clear();
  slots_.clear();  // ports hold frames of the pool
}

Time Datapath::now() { return std::chrono::steady_clock::now().time_since_epoch(); }

Result<void> Datapath::plug_in(PortId id, std::unique_ptr<ports::Port> port) {
  pull_out(id);
  const int fd = port->fd();
  epoll_event event = {.events = EPOLLIN, .data = {.u32 = id}};
  if (fd >= 0 && epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail_errno("port {}: waiting for {}", port->name(), port->describe());
  }
  if (fd < 0) add_once(without_fd_, id);
  slots_[id] = std::make_unique<Slot>(Slot{std::move(port), EPOLLIN});
  now_ = now();
  settle(id);
  return {};
}

std::unique_ptr<ports::Port> Datapath::pull_out(PortId id) {
  if (!port(id)) return nullptr;
  auto port = std::move(slots_[id]->port);
  if (port->fd() >= 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, port->fd(), nullptr);
  slots_[id].reset();
  for (auto* list : {&timed_, &without_fd_, &again_}) std::erase(*list, id);
  if (bridge_->has_port(id)) bridge_->set_up(id, false, now());
  return port;
}

Time Datapath::next_deadline() const {
  Time deadline = bridge_->next_deadline();
  for (const PortId id : timed_) deadline = std::min(deadline, slots_[id]->port->deadline());
  return deadline;
}

// In whole milliseconds, rounded up: a deadline is not waited for in many short sleeps.
int Datapath::sleep_ms(Time longest) const {
  if (!again_.empty() || !without_fd_.empty() || unsent_) return 0;
  if (options_.poll == bridge::never || now_ - last_work_ < options_.poll) return 0;
  const Time wait = std::min(next_deadline() == bridge::never ? bridge::never : next_deadline() - now_, longest);
  if (wait <= Time(0)) return 0;
  if (wait > std::chrono::minutes(1)) return 60'000;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

bool Datapath::turn(Time longest) {
  now_ = now();
  std::array<epoll_event, events_a_turn> events;
  const int count = epoll_wait(epoll_.get(), events.data(), events.size(), sleep_ms(longest));
  now_ = now();
  bool worked = false;
  // Who had more comes after the others, and those without a descriptor come in every turn.
  auto others = std::exchange(again_, {});
  for (const PortId id : without_fd_) add_once(others, id);
  for (int i = 0; i < count; ++i) {
    const uint32_t id = events[static_cast<size_t>(i)].data.u32;
    if (id == wake_id) {
      uint64_t times;
      [[maybe_unused]] const auto size = read(wake_.get(), &times, sizeof times);
      run_tasks();
      worked = true;
    } else {
      std::erase(others, id);
      worked |= serve(static_cast<PortId>(id));
    }
  }
  for (const PortId id : others) worked |= serve(id);
  tick();
  unsent_ = false;
  transmit();
  if (worked) last_work_ = now_;
  return worked;
}

bool Datapath::serve(PortId id) {
  ports::Port* const cable = port(id);
  if (!cable) return false;  // pulled out in this turn
  if (cable->blocked()) cable->flush();
  received_.clear();
  auto more = cable->receive(pool_, received_, frames_a_turn);
  const bool any = !received_.empty();
  if (any) {
    set_link(id);  // a peer that has just come may have said something already
    // A cable in a port that somebody took away is nobody's any more.
    if (watcher_) {
      for (const auto& frame : received_) watcher_->frame(id, FrameWatcher::Direction::in, frame);
    }
    if (bridge_->has_port(id)) bridge_->receive(id, received_, now_);
    received_.clear();
  }
  if (!more) {
    lose(id, std::move(more.error()));
    return true;
  }
  if (*more && cable->fd() >= 0) add_once(again_, id);
  settle(id);
  transmit();
  return any;
}

void Datapath::transmit() {
  if (bridge_->ready().empty()) return;
  const auto ready = bridge_->ready();  // sending changes it
  ready.for_each([this](unsigned member) {
    const auto id = static_cast<PortId>(member);
    ports::Port* const cable = port(id);
    if (!cable) {
      Nowhere nowhere;
      bridge_->transmit(id, transmit_budget, nowhere, now_);
    } else if (!cable->blocked()) {
      if (watcher_) {
        WatchedSink watched(id, *cable, *watcher_);
        bridge_->transmit(id, transmit_budget, watched, now_);
      } else {
        bridge_->transmit(id, transmit_budget, *cable, now_);
      }
      unsent_ |= !cable->blocked() && bridge_->ready().contains(id);
      settle(id);
    }
  });
}

void Datapath::tick() {
  if (now_ >= bridge_->next_deadline()) bridge_->poll(now_);
  if (timed_.empty()) return;
  for (const PortId id : std::vector(timed_)) {
    if (now_ < slots_[id]->port->deadline()) continue;
    slots_[id]->port->tick(now_);
    settle(id);
  }
}

void Datapath::settle(PortId id) {
  Slot& slot = *slots_[id];
  const ports::Port& cable = *slot.port;
  const uint32_t wanted = cable.blocked() ? EPOLLIN | EPOLLOUT : EPOLLIN;
  if (wanted != slot.waits_for && cable.fd() >= 0) {
    epoll_event event = {.events = wanted, .data = {.u32 = id}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, cable.fd(), &event);
    slot.waits_for = wanted;
  }
  if (cable.deadline() != bridge::never) {
    add_once(timed_, id);
  } else if (!timed_.empty()) {
    std::erase(timed_, id);
  }
  set_link(id);
}

void Datapath::set_link(PortId id) {
  const bool up = slots_[id]->port->connected();
  if (bridge_->has_port(id) && bridge_->is_up(id) != up) bridge_->set_up(id, up, now_);
}

void Datapath::lose(PortId id, Error error) {
  pull_out(id);
  post([this, id, error = std::move(error)] {
    if (gone_) gone_(id, error);
  });
}

Result<void> Datapath::start() {
  stopping_ = false;
  running_ = true;
  auto thread = start_thread("strata-switch", [this] { run(); });
  if (!thread) {
    running_ = false;
    return tl::unexpected(std::move(thread.error()));
  }
  thread_ = std::move(*thread);
  return {};
}

void Datapath::run() {
  own_thread_ = std::this_thread::get_id();
  while (!stopping_) turn(bridge::never);
}

void Datapath::stop() {
  if (!thread_.joinable()) return;
  post([this] { stopping_ = true; });
  thread_.join();
  running_ = false;
  run_tasks();  // who waits in call() for one that came late
}

void Datapath::post(Task task) {
  {
    const std::lock_guard lock(tasks_lock_);
    tasks_.push_back(std::move(task));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const auto size = write(wake_.get(), &one, sizeof one);
}

void Datapath::run_tasks() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(tasks_lock_);
    tasks.swap(tasks_);
  }
  for (const Task& task : tasks) task();
}

}  // namespace strata::network

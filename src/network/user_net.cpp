// libslirp between the guest's frames and the host's sockets, driven by the event loop.
#include "network/user_net.h"

#include <arpa/inet.h>
#include <libslirp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "base/log.h"
#include "network/poll_set.h"

namespace strata::network {
namespace {

in_addr address(uint32_t number) { return {htonl(number)}; }

in_addr host_of(const Forward& forward) {
  in_addr host;
  std::memcpy(&host, forward.host_address.data(), sizeof host);
  return host;
}

bool has(const std::vector<Forward>& forwards, const Forward& one) {
  return std::find(forwards.begin(), forwards.end(), one) != forwards.end();
}

/// A peer that hangs up is an error of send(2), which libslirp handles; the signal would end the program.
void ignore_broken_pipes() {
  struct sigaction action = {};
  if (sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
}

short poll_events(int slirp_events) {
  int events = 0;
  if (slirp_events & SLIRP_POLL_IN) events |= POLLIN;
  if (slirp_events & SLIRP_POLL_OUT) events |= POLLOUT;
  if (slirp_events & SLIRP_POLL_PRI) events |= POLLPRI;
  return static_cast<short>(events);
}

int slirp_events(short poll_events) {
  int events = 0;
  if (poll_events & POLLIN) events |= SLIRP_POLL_IN;
  if (poll_events & POLLOUT) events |= SLIRP_POLL_OUT;
  if (poll_events & POLLPRI) events |= SLIRP_POLL_PRI;
  if (poll_events & (POLLERR | POLLNVAL)) events |= SLIRP_POLL_ERR;
  if (poll_events & POLLHUP) events |= SLIRP_POLL_HUP;
  return events;
}

// It computes all checksums itself.
constexpr iface::Offload frame_of_slirp = {.checksum_valid = true};

constexpr uint16_t least_mtu = 576;
constexpr uint16_t most_mtu = 65520;

}  // namespace

/// Everything under the device lock, except where it says otherwise.
class UserNet::Stack : public std::enable_shared_from_this<Stack> {
 public:
  Stack(EventLoop& loop, iface::Executor& executor, PollSet poll_set)
      : loop_(loop), executor_(executor), poll_set_(std::move(poll_set)) {}
  ~Stack() {
    if (slirp_) slirp_cleanup(slirp_);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  Result<void> start(const UserNetOptions& options);
  void send(std::span<const std::byte> frame);
  void connect(Receiver receiver) { receiver_ = std::move(receiver); }
  const std::vector<Forward>& forwards() const { return forwards_; }
  Result<void> set_forwards(const std::vector<Forward>& wanted);
  /// The port is gone: nothing is called back any more.
  void close();

 private:
  struct Timer {
    Stack& stack;
    SlirpTimerCb callback;
    void* argument;
    std::optional<LoopTimer> timer;
  };

  Result<void> add(const Forward& forward);
  void remove(const Forward& forward);
  static const SlirpCb& callbacks();
  static Stack& self(void* opaque) { return *static_cast<Stack*>(opaque); }

  /// Asks for a turn; from any thread.
  void schedule();
  /// One turn: what is ready on the host's side goes in, and what is waited for next is set.
  void turn();
  uint32_t fill();
  void wait_for_next(uint32_t timeout_ms);
  void frame_from_slirp(std::span<const std::byte> frame);
  void deliver_held();
  Timer* new_timer(SlirpTimerCb callback, void* argument);
  void run_later(Timer& timer);

  EventLoop& loop_;
  iface::Executor& executor_;
  PollSet poll_set_;
  Slirp* slirp_ = nullptr;
  Receiver receiver_;
  std::vector<pollfd> polled_;  ///< what slirp waits for, by the index that it was given
  std::map<Timer*, std::unique_ptr<Timer>> timers_;
  std::deque<std::vector<std::byte>> held_;  ///< frames made inside of send()
  bool in_send_ = false;
  bool answers_inside_ = false;
  std::vector<Forward> forwards_;
  std::atomic<bool> scheduled_ = false;
  std::optional<LoopTimer> wake_;
  std::optional<EventLoop::Clock::time_point> wake_at_;  ///< for when it is set; may be in the past
  std::optional<FdWatch> watch_;
};

// Names are libslirp's, and so is the order.
const SlirpCb& UserNet::Stack::callbacks() {
  static const SlirpCb table = [] {
    SlirpCb cb = {};
    cb.send_packet = [](const void* data, size_t size, void* opaque) -> ssize_t {
      self(opaque).frame_from_slirp({static_cast<const std::byte*>(data), size});
      return static_cast<ssize_t>(size);
    };
    cb.guest_error = [](const char* message, void*) { log::debug("user network: {}", message); };
    cb.clock_get_ns = [](void*) -> int64_t {
      return EventLoop::Clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
    };
    cb.timer_new = [](SlirpTimerCb callback, void* argument, void* opaque) -> void* {
      return self(opaque).new_timer(callback, argument);
    };
    cb.timer_free = [](void* timer, void* opaque) { self(opaque).timers_.erase(static_cast<Timer*>(timer)); };
    cb.timer_mod = [](void* timer, int64_t expire_ms, void*) {
      static_cast<Timer*>(timer)->timer->set(EventLoop::Clock::time_point(std::chrono::milliseconds(expire_ms)));
    };
    cb.register_poll_fd = [](int, void*) {};
    cb.unregister_poll_fd = [](int fd, void* opaque) { self(opaque).poll_set_.forget(fd); };
    cb.notify = [](void* opaque) { self(opaque).schedule(); };
    return cb;
  }();
  return table;
}

Result<void> UserNet::Stack::start(const UserNetOptions& options) {
  SlirpConfig config = {};
  config.version = 4;
  config.in_enabled = true;
  constexpr uint32_t mask = ~uint32_t{0} << (32 - user_net_addresses::prefix);
  config.vnetwork = address(user_net_addresses::guest & mask);
  config.vnetmask = address(mask);
  config.vhost = address(user_net_addresses::gateway);
  config.vdhcp_start = address(user_net_addresses::guest);
  config.vnameserver = address(user_net_addresses::name_server);
  config.if_mtu = config.if_mru = options.mtu;
  slirp_ = slirp_new(&config, &callbacks(), this);
  if (!slirp_) return fail("libslirp {} does not start", slirp_version_string());
  answers_inside_ = options.answers_inside;
  STRATA_TRY(set_forwards(options.forwards));
  // On the loop's thread, where it may have begun when this is destroyed.
  const auto wake_up = [weak = weak_from_this()] {
    if (const auto stack = weak.lock()) stack->schedule();
  };
  wake_.emplace(loop_, wake_up);
  watch_ = STRATA_TRY(FdWatch::make(loop_, poll_set_.fd(), FdWatch::For::reading, wake_up));
  schedule();
  return {};
}

Result<void> UserNet::Stack::add(const Forward& forward) {
  const bool udp = forward.protocol == Forward::Protocol::udp;
  errno = 0;
  // The guest's address 0: whoever got the first one by DHCP.
  if (slirp_add_hostfwd(slirp_, udp, host_of(forward), forward.host_port, {}, forward.guest_port) == 0) return {};
  if (errno == EADDRINUSE) {
    return fail(ErrorCode::busy, "forward={}: {} port {} of this host is in use; choose another one",
                to_string(forward), udp ? "UDP" : "TCP", forward.host_port);
  }
  return fail_errno("forward={}", to_string(forward));
}

void UserNet::Stack::remove(const Forward& forward) {
  slirp_remove_hostfwd(slirp_, forward.protocol == Forward::Protocol::udp, host_of(forward), forward.host_port);
}

Result<void> UserNet::Stack::set_forwards(const std::vector<Forward>& wanted) {
  // What goes makes room first: a port of the host may come to lead elsewhere.
  std::vector<Forward> removed, added;
  for (const Forward& each : forwards_) {
    if (has(wanted, each)) continue;
    remove(each);
    removed.push_back(each);
  }
  for (const Forward& each : wanted) {
    if (has(forwards_, each)) continue;
    if (auto done = add(each); !done) {
      for (const Forward& one : added) remove(one);
      for (const Forward& one : removed) STRATA_TRY(with_context(add(one), "{}; and now", done.error().message));
      return done;
    }
    added.push_back(each);
  }
  forwards_ = wanted;
  if (wake_) schedule();
  return {};
}

void UserNet::Stack::send(std::span<const std::byte> frame) {
  if (frame.size() > INT_MAX) return;
  in_send_ = true;
  slirp_input(slirp_, reinterpret_cast<const uint8_t*>(frame.data()), static_cast<int>(frame.size()));
  in_send_ = false;
  schedule();  // there may be new sockets to wait for
}

void UserNet::Stack::close() {
  receiver_ = {};
  watch_.reset();
  wake_.reset();
}

void UserNet::Stack::schedule() {
  if (scheduled_.exchange(true)) return;
  executor_.post([weak = weak_from_this()] {
    if (const auto stack = weak.lock()) stack->turn();
  });
}

void UserNet::Stack::turn() {
  scheduled_ = false;
  if (wake_at_ && *wake_at_ <= EventLoop::Clock::now()) wake_at_.reset();
  deliver_held();
  fill();
  const bool failed = poll(polled_.data(), polled_.size(), 0) < 0;
  const auto events_of = [](int index, void* opaque) {
    const auto& polled = self(opaque).polled_;
    return index >= 0 && static_cast<size_t>(index) < polled.size() ? slirp_events(polled[index].revents) : 0;
  };
  slirp_pollfds_poll(slirp_, failed, events_of, this);
  wait_for_next(fill());
}

/// Asks slirp what it waits for, and for how many milliseconds at most.
uint32_t UserNet::Stack::fill() {
  polled_.clear();
  uint32_t timeout = UINT32_MAX;
  const auto add_poll = [](int fd, int events, void* opaque) {
    auto& polled = self(opaque).polled_;
    polled.push_back({fd, poll_events(events), 0});
    return static_cast<int>(polled.size() - 1);
  };
  slirp_pollfds_fill(slirp_, &timeout, add_poll, this);
  return timeout;
}

void UserNet::Stack::wait_for_next(uint32_t timeout_ms) {
  if (!wake_) return;  // closed
  std::map<int, uint32_t> wanted;
  for (const pollfd& entry : polled_)
    wanted[entry.fd] |= static_cast<uint32_t>(entry.events);  // on Linux, EPOLLIN is POLLIN and so on
  poll_set_.replace(wanted);
  if (timeout_ms == UINT32_MAX) return;
  // An alarm that comes too early does no harm: to set it for each frame would cost a system call.
  const auto deadline = EventLoop::Clock::now() + std::chrono::milliseconds(timeout_ms);
  if (wake_at_ && *wake_at_ <= deadline) return;
  wake_at_ = deadline;
  wake_->set(deadline);
}

// What slirp answers to a frame at once must not come out while that frame goes in.
void UserNet::Stack::frame_from_slirp(std::span<const std::byte> frame) {
  if (in_send_ && !answers_inside_) {
    held_.emplace_back(frame.begin(), frame.end());
  } else if (receiver_) {
    receiver_(frame, frame_of_slirp);
  }
}

void UserNet::Stack::deliver_held() {
  for (const auto& frame : std::exchange(held_, {}))
    if (receiver_) receiver_(frame, frame_of_slirp);
}

UserNet::Stack::Timer* UserNet::Stack::new_timer(SlirpTimerCb callback, void* argument) {
  auto timer = std::make_unique<Timer>(Timer{*this, callback, argument, {}});
  Timer* const key = timer.get();
  timer->timer.emplace(loop_, [weak = weak_from_this(), key] {
    const auto stack = weak.lock();
    if (!stack) return;
    stack->executor_.post([weak, key] {
      const auto still = weak.lock();
      if (still && still->timers_.contains(key)) key->callback(key->argument);
    });
  });
  timers_.emplace(key, std::move(timer));
  return key;
}

Result<std::unique_ptr<UserNet>> UserNet::make(const UserNetOptions& options, EventLoop& loop,
                                               iface::Executor& executor) {
  if (options.mtu < least_mtu || options.mtu > most_mtu) {
    return fail(ErrorCode::usage, "mtu={} is not between {} and {}", options.mtu, least_mtu, most_mtu);
  }
  ignore_broken_pipes();
  auto stack = std::make_shared<Stack>(loop, executor, STRATA_TRY(PollSet::make()));
  STRATA_TRY(stack->start(options));
  return std::unique_ptr<UserNet>(new UserNet(std::move(stack)));
}

UserNet::~UserNet() { stack_->close(); }

void UserNet::send(std::span<const std::byte> frame, const iface::Offload&) { stack_->send(frame); }

void UserNet::connect(Receiver receiver) { stack_->connect(std::move(receiver)); }

const std::vector<Forward>& UserNet::forwards() const { return stack_->forwards(); }

Result<void> UserNet::set_forwards(const std::vector<Forward>& forwards) { return stack_->set_forwards(forwards); }

}  // namespace strata::network

// Two queues under a lock, one each way; whoever finds one empty wakes the other side.
#include "network/ports/user.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "network/ports/segment.h"

namespace strata::network::ports {
namespace {

constexpr size_t most_waiting = 1024;  // frames, each way; further ones are dropped

}  // namespace

class UserPort::Stack final : public iface::Executor, public std::enable_shared_from_this<Stack> {
 public:
  using Bytes = std::vector<std::byte>;

  Stack(EventLoop& loop, int wake) : loop_(loop), wake_(wake) {}

  /// The device lock of UserNet is the loop's thread: all of libslirp runs there.
  void post(std::function<void()> task) override { loop_.post(std::move(task)); }

  Result<void> start(const UserNetOptions& options) {
    net_ = STRATA_TRY(UserNet::make(options, loop_, *this));
    net_->connect([this](std::span<const std::byte> frame, const iface::Offload&) { come(frame); });
    return {};
  }
  /// The port is gone. What was posted still comes, and finds nothing.
  void close() {
    {
      const std::lock_guard lock(lock_);
      wake_ = -1;
      leaving_.clear();
    }
    loop_.post([self = shared_from_this()] { self->net_.reset(); });
  }

  void leave(std::vector<Bytes>&& frames, uint64_t& dropped) {
    const std::lock_guard lock(lock_);
    const bool asleep = leaving_.empty();
    for (Bytes& frame : frames) {
      if (leaving_.size() < most_waiting) {
        leaving_.push_back(std::move(frame));
      } else {
        ++dropped;
      }
    }
    if (asleep && !leaving_.empty()) loop_.post([self = shared_from_this()] { self->send_leaving(); });
  }
  /// Frames that have come, up to `most`, and whether there are more.
  bool take(std::deque<Bytes>& to, size_t most) {
    const std::lock_guard lock(lock_);
    for (; most != 0 && !coming_.empty(); --most) {
      to.push_back(std::move(coming_.front()));
      coming_.pop_front();
    }
    return !coming_.empty();
  }

 private:
  void come(std::span<const std::byte> frame) {
    const std::lock_guard lock(lock_);
    if (wake_ < 0 || coming_.size() >= most_waiting) return;
    coming_.emplace_back(frame.begin(), frame.end());
    const uint64_t one = 1;
    if (coming_.size() == 1) [[maybe_unused]]
      const auto size = write(wake_, &one, sizeof one);
  }
  void send_leaving() {
    std::deque<Bytes> frames;
    {
      const std::lock_guard lock(lock_);
      frames.swap(leaving_);
    }
    for (const Bytes& frame : frames)
      if (net_) net_->send(frame);
  }

  EventLoop& loop_;
  std::unique_ptr<UserNet> net_;  ///< on the loop's thread
  std::mutex lock_;
  int wake_;
  std::deque<Bytes> coming_, leaving_;
};

Result<std::unique_ptr<UserPort>> UserPort::open(std::string name, const UserNetOptions& options, EventLoop& loop) {
  UniqueFd wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake) return fail_errno("port {}: making an eventfd", name);
  std::unique_ptr<UserPort> port(new UserPort(std::move(name), std::move(wake)));
  port->stack_ = std::make_shared<Stack>(loop, port->wake_.get());
  STRATA_TRY(with_context(port->stack_->start(options), "port {}", port->name()));
  return port;
}

UserPort::~UserPort() {
  if (stack_) stack_->close();
}

Result<bool> UserPort::receive(FramePool& pool, std::vector<Frame>& to, size_t most) {
  uint64_t times;
  [[maybe_unused]] const auto size = read(wake_.get(), &times, sizeof times);
  std::deque<Stack::Bytes> frames;
  const bool more = stack_->take(frames, most);
  for (const auto& bytes : frames) {
    Frame frame = pool.copy(bytes);
    if (!frame) {
      ++counters_.receive_dropped;
      continue;
    }
    frame.set_offload({.checksum_valid = true});  // libslirp computes all of them
    count_received(bytes.size());
    to.push_back(std::move(frame));
  }
  return more;
}

size_t UserPort::send(std::span<Frame> frames) {
  std::vector<Stack::Bytes> plain;
  Segmenter segmenter;
  for (Frame& frame : frames) {
    Stack::Bytes flat(frame.size());
    frame.copy_to(flat);
    const auto offload = frame.offload();
    frame = {};
    const auto sink = [&](std::span<const std::byte> piece) {
      count_sent(piece.size());
      plain.emplace_back(piece.begin(), piece.end());
    };
    if (!segmenter.split(flat, offload, sink)) ++counters_.send_dropped;
  }
  stack_->leave(std::move(plain), counters_.send_dropped);
  return frames.size();
}

}  // namespace strata::network::ports

// MemoryPort: a cable whose far end is the program itself, on the datapath's thread: for tests and benchmarks.
#pragma once

#include <deque>
#include <utility>

#include "network/ports/port.h"

namespace strata::network::ports {

class MemoryPort final : public Port {
 public:
  using Port::Port;

  /// What the switch is to receive next.
  void put(Frame frame) { coming_.push_back(std::move(frame)); }
  /// What the switch has sent, the oldest first.
  std::vector<Frame>& sent() { return sent_; }
  /// It takes so many more frames, then it is full.
  void set_room(size_t frames) { room_ = frames; }

  std::string describe() const override { return "memory"; }
  int fd() const override { return -1; }
  bool blocked() const override { return room_ == 0; }

  Result<bool> receive(FramePool&, std::vector<Frame>& to, size_t most) override {
    for (; most != 0 && !coming_.empty(); --most) {
      count_received(coming_.front().size());
      to.push_back(std::move(coming_.front()));
      coming_.pop_front();
    }
    return !coming_.empty();
  }

  size_t send(std::span<Frame> frames) override {
    const size_t taken = std::min(frames.size(), room_);
    for (Frame& frame : frames.first(taken)) {
      count_sent(frame.size());
      sent_.push_back(std::move(frame));
    }
    if (room_ != SIZE_MAX) room_ -= taken;
    return taken;
  }

 private:
  std::deque<Frame> coming_;
  std::vector<Frame> sent_;
  size_t room_ = SIZE_MAX;
};

}  // namespace strata::network::ports

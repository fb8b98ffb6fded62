// Port: one end of a cable that leads out of the switch: a TAP, an interface, a socket, another host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "network/bridge/bridge.h"

namespace strata::network::ports {

using bridge::Frame;
using bridge::FramePool;
using bridge::Time;

/// What passed the port itself; what the switch did with it, the switch counts.
struct Counters {
  uint64_t received_frames = 0, received_bytes = 0;
  uint64_t sent_frames = 0, sent_bytes = 0;
  uint64_t receive_dropped = 0;  ///< came, but there was no memory for it, or its offload header was not understood
  uint64_t send_dropped = 0;     ///< the far side would not have it: it is down, or the frame too large for it
};

/// Nothing blocks, and all calls come from the datapath's thread. Frames of any content may come, up to
/// FramePool::max_size; they belong to the pool that receive() is given.
class Port : public bridge::Sink {
 public:
  /// `name` is the user's, for messages.
  explicit Port(std::string name) : name_(std::move(name)) {}
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  const std::string& name() const { return name_; }
  /// What it leads to, for people: "TAP eth0 in blue".
  virtual std::string describe() const = 0;

  /// Readable when receive() has something to do; the same as long as the port lives. -1: ask again in every turn.
  virtual int fd() const = 0;
  /// Frames wait for a far side that is full: flush() is to be called when fd() is writable.
  virtual bool blocked() const { return false; }
  /// Whether the far side is there: a cable in an open port has none while nobody is connected.
  virtual bool connected() const { return true; }

  /// Appends up to `most` frames that have come, and says whether there may be more right away. An error: the far side is
  /// gone for good, and the port is of no more use.
  virtual Result<bool> receive(FramePool& pool, std::vector<Frame>& to, size_t most) = 0;

  /// Takes the first frames and gives their number. Less than all: full, blocked() is true, and the rest may be offered
  /// again after flush(). What cannot be sent at all is taken, dropped and counted.
  size_t send(std::span<Frame> frames) override = 0;
  virtual void flush() {}

  /// When tick() wants to be called: a reconnection, a protocol's timer.
  virtual Time deadline() const { return bridge::never; }
  virtual void tick(Time /*now*/) {}

  const Counters& counters() const { return counters_; }

 protected:
  void count_received(size_t bytes) {
    ++counters_.received_frames;
    counters_.received_bytes += bytes;
  }
  void count_sent(size_t bytes) {
    ++counters_.sent_frames;
    counters_.sent_bytes += bytes;
  }
  Counters counters_;

 private:
  const std::string name_;
};

}  // namespace strata::network::ports

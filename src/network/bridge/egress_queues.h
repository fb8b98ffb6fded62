// EgressQueues: a port's eight queues and who of them goes next (8.6.6 to 8.6.8).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "network/bridge/config.h"
#include "network/bridge/frame.h"

namespace strata::network::bridge {

/// A frame and what the bridge knows of it. Its tag is made when it leaves, from the port's configuration at that moment.
struct QueuedFrame {
  Frame frame;
  Vid vid = no_vid;  ///< no_vid: leaves as it is
  std::uint8_t priority = 0;
  bool drop_eligible = false;
  std::uint8_t traffic_class = 0;  ///< push() fills it in
};

enum class Enqueued : std::uint8_t { taken, full, drop_eligible };

class EgressQueues {
 public:
  /// Frames that wait stay, in the classes where they are.
  void configure(const QueueConfig& config);

  Enqueued push(QueuedFrame&& queued);
  bool empty() const { return waiting_ == 0; }
  /// Takes the next frame; not from empty queues.
  QueuedFrame pop();
  /// Returns the frame that was popped last, and then those before it, as if they had not been.
  void unpop(QueuedFrame&& queued);
  /// Gives up all frames; how many they were.
  std::size_t clear();

 private:
  // Grows up to the limit of the configuration; a power of two long.
  struct Ring {
    std::vector<QueuedFrame> slots;
    std::size_t head = 0;
    std::size_t count = 0;
    std::size_t bytes = 0;
    std::int64_t credit = 0;  // of a weighted class: what it may still send, in octets

    void push_back(QueuedFrame&& queued);
    void push_front(QueuedFrame&& queued);
    QueuedFrame pop_front();
    void reserve_one();
  };

  unsigned next_class();

  QueueConfig config_;
  std::array<Ring, traffic_classes> rings_;
  std::size_t waiting_ = 0;
  std::uint8_t occupied_ = 0;  // classes with frames, a bit each
  std::uint8_t strict_ = 0xff;
  unsigned turn_ = 0;  // the weighted class that is served
};

}  // namespace strata::network::bridge

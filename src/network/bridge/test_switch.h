// For tests: a bridge with ports that remember what left.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "network/bridge/bridge.h"

namespace strata::network::bridge {

using Octets = std::vector<std::byte>;
using FrameList = std::vector<Octets>;

/// A frame of a local experimental EtherType (802-2014, 9.2.3), 60 octets and a tag, if any.
inline Octets frame_of(MacAddress to, MacAddress from, std::optional<Tag> tag = {}, std::size_t size = 60) {
  Octets octets(size, std::byte{0});
  to.store(octets.data());
  from.store(octets.data() + MacAddress::size);
  store_be<std::uint16_t>(octets.data() + 12, 0x88b5);
  if (tag) {
    octets.insert(octets.begin() + 12, Tag::size, std::byte{0});
    store_be<std::uint16_t>(octets.data() + 12, static_cast<std::uint16_t>(tag->type));
    store_be<std::uint16_t>(octets.data() + 14, tag->control());
  }
  return octets;
}

/// Takes up to `room` frames and keeps their octets.
class Collector final : public Sink {
 public:
  explicit Collector(std::size_t room = SIZE_MAX) : room_(room) {}
  std::size_t send(std::span<Frame> frames) override {
    const std::size_t count = std::min(room_ - taken.size(), frames.size());
    for (Frame& frame : frames.first(count)) {
      const Frame mine = std::move(frame);
      taken.emplace_back(mine.size());
      mine.copy_to(taken.back());
    }
    return count;
  }
  FrameList taken;

 private:
  std::size_t room_;
};

struct TestSwitch {
  explicit TestSwitch(const BridgeConfig& config = {}) : bridge(std::move(Bridge::make(pool, config).value())) {}

  PortId add(const PortConfig& config) { return bridge->add_port(config, now).value(); }
  void receive(PortId port, const Octets& octets) {
    Frame frame = pool.copy(octets);
    bridge->receive(port, {&frame, 1}, now);
  }
  /// What waits for the port, up to `most` frames.
  FrameList take(PortId port, std::size_t most = SIZE_MAX) {
    Collector collector(most);
    bridge->transmit(port, SIZE_MAX, collector, now);
    return std::move(collector.taken);
  }

  FramePool pool;
  std::unique_ptr<Bridge> bridge;
  Time now = std::chrono::hours(1);
};

}  // namespace strata::network::bridge

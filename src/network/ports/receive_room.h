// Room for a frame whose size is not known before it is read.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include "network/bridge/frame.h"

namespace strata::network::ports {

/// Makes `room` a frame of the largest size, unless it is one already. False where the pool has none.
inline bool make_room(bridge::Frame& room, bridge::FramePool& pool) {
  if (!room) room = pool.make(bridge::FramePool::max_size);
  return static_cast<bool>(room);
}

/// Frames up to this size are copied out of the room: cheaper than to leave a large buffer to each small frame.
constexpr size_t copied_size = 2048 - 256;

/// Appends the first `size` bytes in the room, with their offload, to `to`. False where the pool has no memory: dropped.
inline bool take_from(bridge::Frame& room, size_t size, const bridge::Offload& offload, bridge::FramePool& pool,
                      std::vector<bridge::Frame>& to) {
  bridge::Frame frame;
  if (size <= copied_size) {
    frame = pool.copy(room.stored().first(size));
    if (!frame) return false;
  } else {
    frame = std::move(room);
    frame.resize(size);
  }
  frame.set_offload(offload);
  to.push_back(std::move(frame));
  return true;
}

}  // namespace strata::network::ports

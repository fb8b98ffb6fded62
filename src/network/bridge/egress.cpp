// Egress: the queues, and a last look at a frame when it leaves (802.1Q-2018, 8.6.4 to 8.6.8, 6.9.2).
#include <algorithm>

#include "network/bridge/bridge.h"
#include "network/bridge/port.h"

namespace strata::network::bridge {

void Bridge::enqueue(Port& port, Frame frame, const Arrival& arrival) {
  const std::size_t tag = arrival.tagged ? Tag::size : 0;
  if (!permits(port.config.egress_acl, arrival.vid, frame.stored())) return port.drop(Drop::egress_acl);
  if (!fits_mtu(frame, tag, port.config.mtu)) return port.drop(Drop::egress_mtu);
  push(port, std::move(frame), arrival.vid, arrival.priority, arrival.drop_eligible);
}

void Bridge::push(Port& port, Frame frame, Vid vid, std::uint8_t priority, bool drop_eligible) {
  const bool was_empty = port.queues.empty();
  switch (
      port.queues.push({.frame = std::move(frame), .vid = vid, .priority = priority, .drop_eligible = drop_eligible})) {
    case Enqueued::taken: break;
    case Enqueued::full: return port.drop(Drop::queue_full);
    case Enqueued::drop_eligible: return port.drop(Drop::queue_drop_eligible);
  }
  if (was_empty && !shaped_.contains(port.id)) ready_.add(port.id);
}

void Bridge::send(PortId id, Frame frame, std::uint8_t priority) {
  Port& port = *port_[id];
  if (port.up && frame.size() >= ethernet_header_size) push(port, std::move(frame), no_vid, priority, false);
}

void Bridge::send(PortId id, Vid vid, Frame frame, std::uint8_t priority) {
  Port& port = *port_[id];
  if (port.forwards() && port.member.contains(vid) && frame.size() >= ethernet_header_size)
    push(port, std::move(frame), vid, priority, false);
}

struct Bridge::Batch {
  static constexpr std::size_t most = 32;
  std::size_t count = 0;
  std::array<Frame, most> frames;
  std::array<QueuedFrame, most> queued;  // what is known of each; without the frame
  std::array<std::size_t, most> sizes;
  std::array<Frame, most> copies;  // for mirrors
};

// Whether it may leave, and with which tag, is decided now: membership may have changed while the frame waited.
void Bridge::gather(Port& port, Batch& batch, std::size_t most) {
  const auto type = static_cast<std::uint16_t>(port.config.tag_type);
  batch.count = 0;
  while (batch.count < most && !port.queues.empty()) {
    QueuedFrame queued = port.queues.pop();
    if (queued.vid != no_vid) {
      if (!port.member.contains(queued.vid)) {
        port.drop(Drop::not_member);
        continue;
      }
      if (port.config.untagged.contains(queued.vid)) {
        queued.frame.unpush_tag();
        if (!port.config.nested_tags && load_be<std::uint16_t>(queued.frame.body().data()) == type) {
          port.drop(Drop::nested_tag);
          continue;
        }
      } else {
        queued.frame.push_tag({port.config.tag_type, queued.vid, queued.priority, queued.drop_eligible});
      }
    }
    batch.sizes[batch.count] = queued.frame.size();
    if (port.mirror_egress) batch.copies[batch.count] = queued.frame.share();
    batch.frames[batch.count] = std::move(queued.frame);
    batch.queued[batch.count] = std::move(queued);
    ++batch.count;
  }
}

void Bridge::account(Port& port, const Batch& batch, std::size_t taken, Time now) {
  for (std::size_t i = 0; i < taken; ++i) {
    const std::size_t size = batch.sizes[i];
    port.counters.transmitted.add(size);
    port.egress_bucket.take(size * 8, now);
    if (const Vid vid = batch.queued[i].vid; vid != no_vid) vlan_[vid]->counters.transmitted.add(size);
    if (!port.mirror_egress) continue;
    for (const auto& session : mirrors_)
      if (session.egress.contains(port.id)) mirror(batch.copies[i], session.destination);
  }
}

std::size_t Bridge::transmit(PortId id, std::size_t budget, Sink& sink, Time now) {
  Port& port = *port_[id];
  shaped_.remove(id);
  Batch batch;
  std::size_t sent = 0;
  while (sent < budget && !port.queues.empty()) {
    if (!port.egress_bucket.ready(now)) {
      shaped_.add(id);
      break;
    }
    const std::size_t most = port.egress_bucket.limited() ? 1 : Batch::most;
    gather(port, batch, std::min(budget - sent, most));
    if (batch.count == 0) break;
    const std::size_t taken = std::min(sink.send({batch.frames.data(), batch.count}), batch.count);
    account(port, batch, taken, now);
    for (std::size_t i = batch.count; i-- > taken;) {
      batch.queued[i].frame = std::move(batch.frames[i]);
      port.queues.unpop(std::move(batch.queued[i]));
    }
    sent += taken;
    if (taken < batch.count) break;
  }
  ready_.set(id, !port.queues.empty() && !shaped_.contains(id));
  return sent;
}

void Bridge::mirror(const Frame& frame, PortId destination) {
  Port& port = *port_[destination];
  if (port.up) push(port, frame.share(), no_vid, 0, false);
}

}  // namespace strata::network::bridge

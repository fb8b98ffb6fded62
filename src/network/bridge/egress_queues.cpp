// Strict and weighted selection: deficit round robin (Shreedhar, Varghese, 1995) behind strict classes.
#include "network/bridge/egress_queues.h"

#include <algorithm>
#include <bit>

namespace strata::network::bridge {

namespace {

constexpr std::int64_t quantum = 512;  // octets of a turn, by weight

}  // namespace

void EgressQueues::configure(const QueueConfig& config) {
  config_ = config;
  strict_ = 0;
  for (unsigned i = 0; i < traffic_classes; ++i)
    if (config.weights[i] == 0) strict_ |= static_cast<std::uint8_t>(1U << i);
}

Enqueued EgressQueues::push(QueuedFrame&& queued) {
  const unsigned traffic_class = config_.traffic_class[queued.priority];
  Ring& ring = rings_[traffic_class];
  const std::size_t bytes = ring.bytes + queued.frame.stored().size();
  if (ring.count >= config_.max_frames || bytes > config_.max_bytes) return Enqueued::full;
  if (queued.drop_eligible && (ring.count * 100 >= std::size_t{config_.max_frames} * config_.drop_eligible_percent ||
                               bytes * 100 > std::size_t{config_.max_bytes} * config_.drop_eligible_percent))
    return Enqueued::drop_eligible;
  queued.traffic_class = static_cast<std::uint8_t>(traffic_class);
  ring.push_back(std::move(queued));
  occupied_ |= static_cast<std::uint8_t>(1U << traffic_class);
  ++waiting_;
  return Enqueued::taken;
}

// The most urgent strict class, else the weighted one whose turn it is.
unsigned EgressQueues::next_class() {
  if (const unsigned strict = occupied_ & strict_; strict != 0)
    return static_cast<unsigned>(std::bit_width(strict)) - 1;
  for (;;) {
    Ring& ring = rings_[turn_];
    if (ring.count != 0 && (strict_ >> turn_ & 1) == 0 && ring.credit > 0) return turn_;
    if (ring.count == 0) ring.credit = 0;
    turn_ = (turn_ + 1) % traffic_classes;
    if ((occupied_ >> turn_ & 1) != 0) rings_[turn_].credit += quantum * config_.weights[turn_];
  }
}

QueuedFrame EgressQueues::pop() {
  const unsigned traffic_class = next_class();
  Ring& ring = rings_[traffic_class];
  QueuedFrame queued = ring.pop_front();
  if ((strict_ >> traffic_class & 1) == 0) ring.credit -= static_cast<std::int64_t>(queued.frame.stored().size());
  if (ring.count == 0) occupied_ &= static_cast<std::uint8_t>(~(1U << traffic_class));
  --waiting_;
  return queued;
}

void EgressQueues::unpop(QueuedFrame&& queued) {
  const unsigned traffic_class = queued.traffic_class;
  Ring& ring = rings_[traffic_class];
  if ((strict_ >> traffic_class & 1) == 0) ring.credit += static_cast<std::int64_t>(queued.frame.stored().size());
  ring.push_front(std::move(queued));
  occupied_ |= static_cast<std::uint8_t>(1U << traffic_class);
  ++waiting_;
}

std::size_t EgressQueues::clear() {
  const std::size_t cleared = waiting_;
  for (Ring& ring : rings_) {
    while (ring.count != 0) ring.pop_front();
    ring.credit = 0;
  }
  waiting_ = 0;
  occupied_ = 0;
  return cleared;
}

void EgressQueues::Ring::reserve_one() {
  if (count < slots.size()) return;
  std::vector<QueuedFrame> larger(std::max<std::size_t>(64, slots.size() * 2));
  for (std::size_t i = 0; i < count; ++i) larger[i] = std::move(slots[(head + i) % slots.size()]);
  slots = std::move(larger);
  head = 0;
}

void EgressQueues::Ring::push_back(QueuedFrame&& queued) {
  reserve_one();
  bytes += queued.frame.stored().size();
  slots[(head + count++) & (slots.size() - 1)] = std::move(queued);
}

void EgressQueues::Ring::push_front(QueuedFrame&& queued) {
  reserve_one();
  bytes += queued.frame.stored().size();
  head = (head - 1) & (slots.size() - 1);
  ++count;
  slots[head] = std::move(queued);
}

QueuedFrame EgressQueues::Ring::pop_front() {
  QueuedFrame queued = std::move(slots[head]);
  head = (head + 1) & (slots.size() - 1);
  --count;
  bytes -= queued.frame.stored().size();
  return queued;
}

}  // namespace strata::network::bridge

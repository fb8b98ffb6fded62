// Split virtqueues: rings, descriptor chains, and when to interrupt.
#include "devices/virtio/core/queue.h"

#include <fmt/format.h>

#include <atomic>
#include <bit>

#include "base/bits.h"

namespace strata::devices::virtio {
namespace {

constexpr unsigned descriptor_size = 16;
constexpr unsigned used_element_size = 8;
constexpr unsigned ring_header = 4;  // flags and index, in front of both rings

// A driver makes no chain longer than its queue, but Linux does so with indirect tables, up to what a device says it
// takes; no device of ours says more than this.
constexpr uint32_t longest_chain = max_queue_size;

/// An index that the other side changes at any time. The rings are aligned, which place_parts() has checked.
std::atomic_ref<uint16_t> index_at(std::byte* ring, uint64_t offset) {
  return std::atomic_ref(*reinterpret_cast<uint16_t*>(ring + offset));
}

uint16_t load_index(std::byte* ring, uint64_t offset, std::memory_order order) {
  const uint16_t raw = index_at(ring, offset).load(order);
  return load_le<uint16_t>(&raw);
}

void store_index(std::byte* ring, uint64_t offset, uint16_t value, std::memory_order order) {
  uint16_t raw;
  store_le<uint16_t>(&raw, value);
  index_at(ring, offset).store(raw, order);
}

}  // namespace

void Queue::reset() {
  layout_ = {.size = max_size_};
  enabled_ = event_idx_ = indirect_ = false;
  problem_.clear();
  descriptors_ = available_ = used_ = nullptr;
  next_available_ = next_used_ = published_ = interrupted_ = 0;
  in_flight_.reset();
  again_.clear();
}

std::string Queue::place_parts() {
  const uint32_t size = layout_.size;
  if (size == 0 || size > max_size_ || !std::has_single_bit(size)) return fmt::format("{} entries", size);
  if (!is_aligned(layout_.descriptors, descriptor_size) || !is_aligned(layout_.available, 2) ||
      !is_aligned(layout_.used, 4)) {
    return "its parts are not aligned (2.7)";
  }
  descriptors_ = memory_.ram_pointer(layout_.descriptors, size * descriptor_size);
  // Two bytes more than the entries: used_event and avail_event.
  available_ = memory_.ram_pointer(layout_.available, ring_header + size * 2 + 2);
  used_ = memory_.ram_pointer(layout_.used, ring_header + size * used_element_size + 2);
  if (!descriptors_ || !available_ || !used_) return "its parts are not in RAM";
  // RAM blocks start at pages of host and guest, so that what is aligned there is aligned here.
  if (reinterpret_cast<uintptr_t>(available_) % 2 != 0 || reinterpret_cast<uintptr_t>(used_) % 2 != 0) {
    return "its parts are not aligned in the host";
  }
  return {};
}

void Queue::enable(uint64_t features) {
  event_idx_ = features & feature_bit(feature_event_idx);
  indirect_ = features & feature_bit(feature_indirect_desc);
  problem_ = place_parts();
  enabled_ = true;
}

uint16_t Queue::available_index() const { return load_index(available_, 2, std::memory_order_acquire); }

bool Queue::ask_for_notification() {
  if (!event_idx_) return false;  // without it drivers notify always: used.flags stays 0
  const uint64_t offset = ring_header + uint64_t{layout_.size} * used_element_size;
  store_index(used_, offset, next_available_, std::memory_order_relaxed);
  wrote_used(offset, 2);
  // The driver writes its index and then reads this one; here it is the other way round, so one of us sees the other.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return available_index() != next_available_;
}

bool Queue::pop(Chain& chain) {
  if (!enabled_ || broken()) return false;
  if (!again_.empty()) {
    const uint16_t head = again_.back();
    again_.pop_back();
    in_flight_.reset(head);
    return take(head, chain);
  }
  if (available_index() == next_available_ && !ask_for_notification()) return false;
  const auto waiting = static_cast<uint16_t>(available_index() - next_available_);
  if (waiting > layout_.size) {
    break_it(fmt::format("the available index is {} ahead of {} entries", waiting, layout_.size));
    return false;
  }
  const uint64_t slot = next_available_ & (layout_.size - 1u);
  const uint16_t head = load_index(available_, ring_header + slot * 2, std::memory_order_relaxed);
  if (!take(head, chain)) return false;
  ++next_available_;
  return true;
}

bool Queue::take(uint16_t head, Chain& chain) {
  if (head >= layout_.size) {
    break_it(fmt::format("descriptor {} of {} is made available", head, layout_.size));
  } else if (in_flight_[head]) {
    break_it(fmt::format("descriptor {} is made available while it is in use", head));
  } else {
    problem_ = walk(head, chain);
  }
  if (broken()) return false;
  in_flight_.set(head);
  return true;
}

void Queue::unpop(const Chain& chain) {
  --next_available_;
  in_flight_.reset(chain.head());
}

Queue::Descriptor Queue::load_descriptor(const std::byte* table, uint32_t index) {
  const std::byte* at = table + uint64_t{index} * descriptor_size;
  return {load_le<uint64_t>(at), load_le<uint32_t>(at + 8), load_le<uint16_t>(at + 12), load_le<uint16_t>(at + 14)};
}

std::string Queue::walk(uint16_t head, Chain& chain) {
  chain.clear(head, memory_);
  const std::byte* table = descriptors_;
  uint32_t entries = layout_.size;
  uint32_t index = head;
  bool in_indirect_table = false;
  uint64_t total = 0;
  for (uint32_t length = 0;; ++length) {
    if (index >= entries) return fmt::format("descriptor {} of {} is linked", index, entries);
    if (length == (in_indirect_table ? longest_chain : entries)) return "a chain is too long, or a ring";
    const Descriptor descriptor = load_descriptor(table, index);  // once: the driver may change it
    if (descriptor.flags & is_indirect) {
      if (!indirect_ || in_indirect_table) return "an indirect table where none may be (2.7.5.3)";
      if (descriptor.flags & has_next) return "an indirect descriptor with a next one (2.7.5.3.1)";
      if (descriptor.size == 0 || descriptor.size % descriptor_size != 0) {
        return fmt::format("an indirect table of {} bytes", descriptor.size);
      }
      table = memory_.ram_pointer(descriptor.address, descriptor.size);
      if (!table) return fmt::format("an indirect table at {:#x}, not in RAM", descriptor.address);
      entries = descriptor.size / descriptor_size;
      index = 0;
      in_indirect_table = true;
      continue;
    }
    const bool writable = descriptor.flags & device_writes;
    if (!writable && chain.writable_size_ != 0) return "a readable buffer after a writable one (2.7.4.2)";
    total += descriptor.size;
    if (descriptor.size == 0 || total > UINT32_MAX) return "an empty buffer, or a chain of more than 4 GiB (2.7.5)";
    std::byte* data = memory_.ram_pointer(descriptor.address, descriptor.size);
    if (!data) return fmt::format("a buffer of {} bytes at {:#x}, not in RAM", descriptor.size, descriptor.address);
    chain.add({descriptor.address, data, descriptor.size}, writable);
    if (!(descriptor.flags & has_next)) return {};
    index = descriptor.next;
  }
}

void Queue::put(uint16_t head, uint32_t written) {
  if (!enabled_ || broken() || !in_flight_[head]) return;
  in_flight_.reset(head);
  const uint64_t slot = next_used_ & (layout_.size - 1u);
  const uint64_t offset = ring_header + slot * used_element_size;
  store_le<uint32_t>(used_ + offset, head);
  store_le<uint32_t>(used_ + offset + 4, written);
  wrote_used(offset, used_element_size);
  ++next_used_;
}

void Queue::publish() {
  if (published_ == next_used_) return;
  published_ = next_used_;
  store_index(used_, 2, published_, std::memory_order_release);
  wrote_used(2, 2);
}

bool Queue::wants_interrupt() {
  if (!enabled_ || broken() || interrupted_ == published_) return false;
  const uint16_t before = interrupted_;
  interrupted_ = published_;
  // As in ask_for_notification(): the driver writes what it wants and then reads the index.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!event_idx_) return !(load_index(available_, 0, std::memory_order_relaxed) & no_interrupt);
  const uint64_t offset = ring_header + uint64_t{layout_.size} * 2;
  const uint16_t used_event = load_index(available_, offset, std::memory_order_relaxed);
  // Whether used_event lies in [before, published_), in numbers that wrap (2.7.7.2).
  return static_cast<uint16_t>(published_ - used_event - 1) < static_cast<uint16_t>(published_ - before);
}

void Queue::save(Writer& out) const {
  out.put(layout_.size, layout_.descriptors, layout_.available, layout_.used);
  out.put(enabled_, broken(), next_available_, published_, interrupted_);
  out.put(static_cast<uint16_t>(in_flight_.count()));
  for (unsigned head = 0; head < max_queue_size; ++head)
    if (in_flight_[head]) out.put(static_cast<uint16_t>(head));
}

void Queue::restore(Reader& in, uint64_t features) {
  reset();
  in.get(layout_.size, layout_.descriptors, layout_.available, layout_.used);
  const bool was_enabled = in.get<bool>();
  const bool was_broken = in.get<bool>();
  in.get(next_available_, published_, interrupted_);
  next_used_ = published_;
  for (auto count = in.get<uint16_t>(); count > 0 && in.good(); --count) {
    const auto head = in.get<uint16_t>();
    if (head >= layout_.size || head >= max_queue_size || in_flight_[head]) return in.reject("a request in flight");
    in_flight_.set(head);
    again_.push_back(head);
  }
  if (was_enabled && in.good()) enable(features);
  if (was_broken) break_it("it was when the state was saved");
}

}  // namespace strata::devices::virtio

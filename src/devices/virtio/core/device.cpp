// Status, features, queues and configuration space of a virtio device.
#include "devices/virtio/core/device.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace strata::devices::virtio {

Device::Device(std::string_view name, DeviceType type, memory::AddressSpace& memory,
               std::span<const uint16_t> queue_sizes)
    : name_(name), type_(type) {
  for (const uint16_t size : queue_sizes) queues_.emplace_back(memory, size);
}

uint64_t Device::offered_features() const {
  return device_features() | feature_bit(feature_version_1) | feature_bit(feature_event_idx) |
         feature_bit(feature_indirect_desc);
}

void Device::set_driver_features(uint64_t features) {
  if (!(status_ & features_ok)) driver_features_ = features;  // fixed from there on (3.1.1)
}

void Device::write_status(uint8_t status) {
  if (status == 0) return reset();
  const bool was_ready = status_ & driver_ok;
  const bool acceptable = (driver_features_ & ~offered_features()) == 0 && has_feature(feature_version_1);
  // The driver finds that its features are refused by reading the bit back (3.1.1, step 6).
  if (!acceptable && !(status_ & features_ok)) status &= static_cast<uint8_t>(~(features_ok | driver_ok));
  status_ |= status & static_cast<uint8_t>(~needs_reset);  // bits go away by reset only
  if (was_ready || !(status_ & driver_ok)) return;
  for (unsigned i = 0; i < queue_count(); ++i) notify(i);
}

void Device::enable_queue(unsigned index) {
  if (queues_[index].enabled()) return;
  queues_[index].enable(driver_features_);
  if (queues_[index].broken()) set_needs_reset(index);
}

void Device::notify(unsigned index) {
  if (index < queue_count() && ready(index)) serve(index);
}

void Device::resume() {
  for (unsigned i = 0; i < queue_count(); ++i) notify(i);
}

bool Device::ready(unsigned index) const {
  return (status_ & driver_ok) && !(status_ & (needs_reset | failed)) && queues_[index].enabled();
}

bool Device::next(unsigned index, Chain& chain) {
  if (!ready(index) || !interrupts_ || !interrupts_->may_master()) return false;
  Queue& queue = queues_[index];
  const bool got = queue.pop(chain);
  if (queue.broken()) set_needs_reset(index);
  return got;
}

void Device::finish(unsigned index) {
  Queue& queue = queues_[index];
  queue.publish();
  if (queue.wants_interrupt() && interrupts_) interrupts_->queue_used(index);
}

void Device::reject(unsigned index, std::string problem) {
  queues_[index].break_it(std::move(problem));
  set_needs_reset(index);
}

void Device::set_needs_reset(unsigned index) {
  if (status_ & needs_reset) return;
  // Once: a hostile guest shall not fill the log.
  log::message(std::exchange(has_warned_, true) ? log::Level::debug : log::Level::warn,
               "{}: the driver broke queue {} and has to reset the device: {}", name_, index, queues_[index].problem());
  status_ |= needs_reset;  // 2.1.2
  if (interrupts_ && (status_ & driver_ok)) interrupts_->configuration_changed();
}

void Device::config_changed() {
  ++config_generation_;
  if (interrupts_ && (status_ & driver_ok)) interrupts_->configuration_changed();
}

void Device::read_config(uint64_t offset, std::span<std::byte> out) {
  std::ranges::fill(out, std::byte{0});
  const auto bytes = config();
  if (offset >= bytes.size()) return;
  const auto there = bytes.subspan(offset, std::min<uint64_t>(out.size(), bytes.size() - offset));
  std::ranges::copy(there, out.begin());
}

void Device::write_config(uint64_t, std::span<const std::byte>) {}

void Device::reset() {
  status_ = 0;
  driver_features_ = 0;
  for (Queue& queue : queues_) queue.reset();
  reset_device();
}

void Device::save(Writer& out) const {
  out.enter(name_, 1);
  out.put(status_, driver_features_, config_generation_);
  for (const Queue& queue : queues_) queue.save(out);
  save_device(out);
  out.leave();
}

Result<void> Device::restore(Reader& in) {
  reset();
  STRATA_TRY(in.enter(name_, 1));
  in.get(status_, driver_features_, config_generation_);
  if (in.good() && (driver_features_ & ~offered_features()) != 0) in.reject("features that this device has not");
  for (Queue& queue : queues_) queue.restore(in, driver_features_);
  restore_device(in);
  return in.leave();
}

}  // namespace strata::devices::virtio

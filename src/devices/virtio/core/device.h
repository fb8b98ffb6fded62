// Device: what all virtio devices have in common, whatever bus they sit on (virtio 1.2, chapters 2 and 3).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "devices/saved_state.h"
#include "devices/virtio/core/queue.h"
#include "devices/virtio/core/spec.h"
#include "memory/address_space.h"

namespace strata::devices::virtio {

/// How a device reaches its driver: implemented by the transport.
class Interrupts {
 public:
  virtual void queue_used(unsigned queue) = 0;
  virtual void configuration_changed() = 0;
  /// Whether the device may read and write guest memory now.
  virtual bool may_master() = 0;

 protected:
  ~Interrupts() = default;
};

/// A kind of device derives from it: says its features and configuration space, and serves its queues. Everything
/// happens with the device lock held.
class Device {
 public:
  Device(std::string_view name, DeviceType type, memory::AddressSpace& memory, std::span<const uint16_t> queue_sizes);
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // For the transport.
  const std::string& name() const { return name_; }
  DeviceType type() const { return type_; }
  void connect(Interrupts& interrupts) { interrupts_ = &interrupts; }
  unsigned queue_count() const { return static_cast<unsigned>(queues_.size()); }
  Queue& queue(unsigned index) { return queues_[index]; }
  uint64_t offered_features() const;
  uint64_t driver_features() const { return driver_features_; }
  void set_driver_features(uint64_t features);
  uint8_t status() const { return status_; }
  /// Writing 0 resets the device (2.1).
  void write_status(uint8_t status);
  void enable_queue(unsigned index);
  /// The driver has put something into a queue.
  void notify(unsigned index);
  uint8_t config_generation() const { return config_generation_; }
  /// Any offset and size; zeroes behind the end.
  void read_config(uint64_t offset, std::span<std::byte> out);
  virtual void write_config(uint64_t offset, std::span<const std::byte> in);
  void reset();

  void save(Writer& out) const;
  Result<void> restore(Reader& in);
  /// After the whole machine has been restored: goes on with what was in flight.
  void resume();

 protected:
  /// What this kind offers beside the features of all devices.
  virtual uint64_t device_features() const = 0;
  /// The configuration space as the driver sees it now, little-endian.
  virtual std::span<const std::byte> config() = 0;
  /// The driver is ready, or has put something into the queue.
  virtual void serve(unsigned index) = 0;
  /// Forgets what it does for the driver. What still comes back from the host is for nobody.
  virtual void reset_device() {}
  virtual void save_device(Writer&) const {}
  virtual void restore_device(Reader&) {}

  bool has_feature(unsigned feature) const { return driver_features_ & feature_bit(feature); }
  /// Whether the driver has said that it is ready and the queue works.
  bool ready(unsigned index) const;
  /// The queue's next request, if there is one that can be done now.
  bool next(unsigned index, Chain& chain);
  /// Publishes what was put and interrupts if the driver wants it.
  void finish(unsigned index);
  /// What the driver sent makes no sense and cannot be answered: the queue is broken.
  void reject(unsigned index, std::string problem);
  void config_changed();

 private:
  void set_needs_reset(unsigned index);

  const std::string name_;
  const DeviceType type_;
  Interrupts* interrupts_ = nullptr;
  std::vector<Queue> queues_;
  uint64_t driver_features_ = 0;
  uint8_t status_ = 0;
  uint8_t config_generation_ = 0;
  bool has_warned_ = false;
};

}  // namespace strata::devices::virtio
